/**
 * What a browser tells about itself in cookies that scripts may write: its theme, its time zone, and the zone that was chosen instead. All are parsed
 * here and trusted afterwards; whatever is malformed counts as not set. Pure.
 */

export const THEMES = ['light', 'dark', 'system'] as const;
export type Theme = (typeof THEMES)[number];

export const THEME_COOKIE = 'watchfloor_theme';
export const TIME_ZONE_COOKIE = 'watchfloor_tz';
/** What was chosen instead of the browser's own zone. */
export const ZONE_CHOICE_COOKIE = 'watchfloor_zone';

/** `system` unless a theme was chosen. Goes into the page as it is, so only ever one of THEMES. */
export function parseTheme(value: string | undefined): Theme {
  return THEMES.find((theme) => theme === value) ?? 'system';
}

/** An IANA name such as `Europe/Vienna`; UTC unless it is one that this Node knows. Offsets such as +02:00 are none. */
export function parseTimeZone(value: string | undefined): string {
  if (!value || !/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(value)) return 'UTC';
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}
