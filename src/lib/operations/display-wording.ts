/**
 * Displays in words, for the people who look after them: what a browser calls itself, what a display said last, what it
 * shows. Pure. Invariant: what a display has not said for a while is said to be unknown, never to be well.
 */
import { toSpan } from './duration.ts';
import type { Named } from './pages.ts';

/** Displays speak every half minute: after three times that nobody knows how they are. */
export const SILENT_AFTER_MS = 90_000;

const BROWSERS: [RegExp, string][] = [
  [/\bEdg\/(\d+)/, 'Edge'],
  [/\bOPR\/(\d+)/, 'Opera'],
  [/\bFirefox\/(\d+)/, 'Firefox'],
  [/\b(?:Headless)?Chrome\/(\d+)/, 'Chromium'],
  [/\bVersion\/(\d+)[\d.]* .*\bSafari\//, 'Safari']
];
const SYSTEMS: [RegExp, string][] = [
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\b(?:iPhone|iPad)\b/, 'iOS'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\b(?:Linux|X11)\b/, 'Linux']
];

/** "Chromium 147 on Linux"; what is known of none of it, cut short, as it calls itself. */
export function toBrowserName(userAgent: string): string {
  const found = BROWSERS.map(([pattern, name]) => ({ name, match: pattern.exec(userAgent) })).find(
    ({ match }) => match
  );
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1];
  if (!found) return userAgent.trim() === '' ? 'a browser without a name' : userAgent.slice(0, 60);
  return `${found.name} ${found.match![1]}${system === undefined ? '' : ` on ${system}`}`;
}

/** What of a display's word a line needs; times in ms by the database's clock. */
export interface PresenceFacts {
  seenAt: number;
  state: string;
  proofAt: number | null;
}

export interface PresenceWords {
  /** `unknown`: it has said nothing for too long, or never */
  look: 'live' | 'behind' | 'unknown';
  word: string;
  note: string;
}

export function presenceWords(presence: PresenceFacts | null, at: number): PresenceWords {
  if (presence === null) return { look: 'unknown', word: 'Not heard of yet', note: 'it has said nothing so far' };
  const ago = toSpan(Math.max(0, at - presence.seenAt)) ?? '0 s';
  if (at - presence.seenAt > SILENT_AFTER_MS)
    return { look: 'unknown', word: 'Silent', note: `last heard of ${ago} ago` };
  const proof =
    presence.proofAt === null
      ? 'nothing proven yet'
      : `proof ${toSpan(Math.max(0, presence.seenAt - presence.proofAt)) ?? '0 s'} old when it spoke, ${ago} ago`;
  if (presence.state === 'live') return { look: 'live', word: 'Live', note: proof };
  const word = presence.state === 'no_data' ? 'No data' : presence.state === 'stale' ? 'Stale' : 'Reconnecting';
  return { look: 'behind', word, note: proof };
}

/** "1920 × 1080 at 2×, up to date": of its window, and whether it shows pages of the version that this server has. */
export function screenWords(
  presence: { width: number; height: number; pixelRatio: number; version: string } | null,
  version: string
): string {
  if (presence === null) return 'screen not known';
  const ratio = presence.pixelRatio === 1 ? '' : ` at ${presence.pixelRatio}×`;
  const age = presence.version === version ? 'up to date' : 'of another version, and loads this one by itself';
  return `${presence.width} × ${presence.height}${ratio}, ${age}`;
}

/** "The whole workspace", or the names of its environments; what was removed is counted. */
export function scopeWords(environmentIds: readonly number[], environments: readonly Named[]): string {
  if (environmentIds.length === 0) return 'The whole workspace';
  const names = environments.filter(({ id }) => environmentIds.includes(id)).map(({ name }) => name);
  const gone = environmentIds.length - names.length;
  return [...names, ...(gone > 0 ? [`${gone} removed`] : [])].join(', ');
}
