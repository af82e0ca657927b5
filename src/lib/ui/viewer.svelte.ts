/**
 * What a page knows of the person's browser: their time zone, their theme, and whether scripts run at all. One instance
 * per tree, through context (a module-level one would leak between people while the server renders). The server's first
 * page uses the zone of the last visit, kept in a cookie; the browser's own zone takes over once scripts run, unless
 * another one was chosen.
 */
import { createContext } from 'svelte';

export const ZONE_COOKIE = 'watchfloor_tz';
export const THEME_COOKIE = 'watchfloor_theme';
const YEAR_SECONDS = 31_536_000;

export class Viewer {
  timeZone: string = $state('UTC');
  /** false in the server's HTML and until scripts run: what needs them is not offered before */
  hasScripts: boolean = $state(false);

  /** the browser's own; null until scripts run */
  browserZone: string | null = $state(null);
  readonly #isZoneChosen: boolean;

  /** `isZoneChosen`: on the account page, so that the browser's own zone does not take over. */
  constructor(timeZone: string, isZoneChosen = false) {
    this.timeZone = timeZone;
    this.#isZoneChosen = isZoneChosen;
  }

  /** Browser only: takes over the browser's zone and remembers it, so that the next first page already agrees. */
  wake(): void {
    this.hasScripts = true;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.browserZone = zone ?? null;
    if (!zone || this.#isZoneChosen || zone === this.timeZone) return;
    this.timeZone = zone;
    remember(ZONE_COOKIE, zone);
  }

  /** Browser only: the other theme than the one that is seen, also where that followed the system. */
  switchTheme(): void {
    const root = document.documentElement;
    const chosen = root.dataset['theme'];
    const isDark =
      chosen === 'dark' || (chosen !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches);
    const theme = isDark ? 'light' : 'dark';
    root.dataset['theme'] = theme;
    remember(THEME_COOKIE, theme);
  }
}

function remember(name: string, value: string): void {
  const secure = location.protocol === 'https:' ? '; secure' : '';
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR_SECONDS}; samesite=lax${secure}`;
}

export const [readViewer, provideViewer] = createContext<Viewer>();
