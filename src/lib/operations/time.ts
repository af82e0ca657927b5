/**
 * Instants as a person reads them, in that person's zone and on a 24-hour clock: "09:14:02", "22 Nov, 19:54", and the
 * name of the zone ("CET"). Shared by the server's first page and the browser, so both write the same words from the
 * same instant and zone. Instants are milliseconds since 1970.
 */
interface Formats {
  clock: Intl.DateTimeFormat;
  day: Intl.DateTimeFormat;
  dayOfYear: Intl.DateTimeFormat;
  ymd: Intl.DateTimeFormat;
}

/** A formatter costs about 50 µs to make and a page writes hundreds of times; few zones are ever in use at once. */
const MOST_ZONES = 32;
const byZone = new Map<string, Formats>();

/** The zone itself if this runtime knows it, else UTC: the name comes from a cookie and may be anything. */
export function knownZone(zone: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone;
  } catch {
    return 'UTC';
  }
}

function formatsOf(zone: string): Formats {
  const ready = byZone.get(zone);
  if (ready) return ready;
  const timeZone = knownZone(zone);
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone } as const;
  const made: Formats = {
    clock: new Intl.DateTimeFormat('en-GB', { ...clock, second: '2-digit' }),
    day: new Intl.DateTimeFormat('en-GB', { ...clock, day: 'numeric', month: 'short' }),
    dayOfYear: new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone }),
    ymd: new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit', timeZone })
  };
  if (byZone.size >= MOST_ZONES) byZone.clear();
  byZone.set(zone, made);
  return made;
}

/** "09:14:02" */
export function toClock(instant: number, zone: string): string {
  return formatsOf(zone).clock.format(instant);
}

/** As short as it stays plain, seen from `at`: "09:14:02" on the same day, "22 Nov, 19:54" in the same year, else the date. */
export function toMoment(instant: number, at: number, zone: string): string {
  const formats = formatsOf(zone);
  const day = formats.ymd.format(instant);
  const today = formats.ymd.format(at);
  if (day === today) return formats.clock.format(instant);
  if (day.slice(0, 4) === today.slice(0, 4)) return formats.day.format(instant);
  return formats.dayOfYear.format(instant);
}

/** The zone's own short name at that instant ("CET", "EDT"), else its offset ("GMT+5:30"): it changes with the season. */
export function toZoneName(instant: number, zone: string): string {
  const timeZone = knownZone(zone);
  let name = timeZone;
  // British English knows Europe's names, American English America's; each writes the other's as an offset.
  for (const locale of ['en-GB', 'en-US']) {
    const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'short' }).formatToParts(instant);
    name = parts.find((part) => part.type === 'timeZoneName')?.value ?? name;
    if (!/^(GMT|UTC)[+-]/.test(name)) return name;
  }
  return name;
}

/** To the minute, where seconds would say more than is meant: "09:14", "22 Nov, 19:54", with its year if it is another. */
export function toMinute(instant: number, at: number, zone: string): string {
  const formats = formatsOf(zone);
  const day = formats.ymd.format(instant);
  const today = formats.ymd.format(at);
  if (day === today) return formats.clock.format(instant).slice(0, 5);
  const dated = formats.day.format(instant);
  return day.slice(0, 4) === today.slice(0, 4) ? dated : dated.replace(',', ` ${day.slice(0, 4)},`);
}
