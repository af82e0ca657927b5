/**
 * The numbers of a scope as a page and the stream bring them: one summary for each unit of access, and their sum. It has
 * no clock: server time is an argument. Invariants: an answer of the hub replaces what there is, since only the hub tells
 * when they move again; otherwise of one unit the newer `at` counts, unless it is from the future (the database's clock
 * was set back) or of another epoch or access; what was purged is unknown (null), never zero; the last report is never
 * said to be older than what was seen of it.
 */
import type { OperationRow } from '../operations/operation.ts';
import { mergeSummaries, type Summary, type SummaryPlace } from '../operations/summary.ts';

/** Numbers may be ahead of what we take for the present by so much. */
const AHEAD_MS = 5_000;
/** The last report moves on in steps of a second: silence is measured in minutes. */
const REPORT_STEP_MS = 1_000;

export class SummaryKeeper {
  #byPlace: ReadonlyMap<SummaryPlace, Summary> | null;
  #merged: Summary | null | undefined;
  /** what is next may be of another epoch or access: it replaces, whatever its time */
  #isIncomparable = false;
  readonly #mode: 'scope' | 'environments';

  /** `scope`: the units add up to the scope; `environments`: each stands for itself, and new ones may appear. */
  constructor(summaries: readonly Summary[], mode: 'scope' | 'environments') {
    this.#byPlace = toMap(summaries);
    this.#mode = mode;
  }

  get byPlace(): ReadonlyMap<SummaryPlace, Summary> | null {
    return this.#byPlace;
  }

  /** The sum of all; null while unknown. */
  get merged(): Summary | null {
    if (this.#merged === undefined) this.#merged = this.#byPlace && mergeSummaries([...this.#byPlace.values()]);
    return this.#merged;
  }

  /** An answer: all units that were joined. */
  replace(summaries: readonly Summary[]): void {
    const was = this.#isIncomparable ? null : this.#byPlace;
    this.#put(toMap(summaries.map((summary) => withReport(summary, was?.get(summary.place)))));
    this.#isIncomparable = false;
  }

  /** A page's: all units there are; a load that raced with newer numbers does not bring older ones back. */
  adopt(summaries: readonly Summary[], now: number): void {
    const was = this.#isIncomparable ? null : this.#byPlace;
    this.#put(toMap(summaries.map((summary) => newer(was?.get(summary.place), summary, now))));
    this.#isIncomparable = false;
  }

  /** One unit's numbers moved. */
  take(summary: Summary, now: number): void {
    const was = this.#byPlace?.get(summary.place);
    if (this.#byPlace === null || this.#isIncomparable || (was === undefined && this.#mode === 'scope')) return;
    const next = newer(was, summary, now);
    if (next !== was) this.#put(new Map(this.#byPlace).set(summary.place, next));
  }

  /** Rows that arrived are reports, whether a list shows them or not. */
  hear(rows: readonly OperationRow[]): void {
    if (this.#byPlace === null) return;
    let moved: Map<SummaryPlace, Summary> | null = null;
    for (const { environmentId, lastReportedAt } of rows) {
      for (const place of ['workspace', environmentId ?? 'itself'] as const) {
        const was = (moved ?? this.#byPlace).get(place);
        if (was === undefined || lastReportedAt < (was.lastReportAt ?? -Infinity) + REPORT_STEP_MS) continue;
        (moved ??= new Map(this.#byPlace)).set(place, { ...was, lastReportAt: lastReportedAt });
      }
    }
    if (moved) this.#put(moved);
  }

  /** Another epoch or workspace comes next: what is shown stays, and nothing is compared with it. */
  setApart(): void {
    this.#isIncomparable = true;
  }

  /** Access changed: not even a number may stay. */
  purge(): void {
    this.#put(null);
    this.#isIncomparable = true;
  }

  #put(byPlace: ReadonlyMap<SummaryPlace, Summary> | null): void {
    this.#byPlace = byPlace;
    this.#merged = undefined;
  }
}

function toMap(summaries: readonly Summary[]): Map<SummaryPlace, Summary> {
  return new Map(summaries.map((summary) => [summary.place, summary]));
}

function newer(was: Summary | undefined, summary: Summary, now: number): Summary {
  if (was === undefined || was.at > now + AHEAD_MS) return summary;
  if (was.at > summary.at) return was;
  // A page does not read how talkative a source is; the hub's answer still holds.
  const silentAfterMs = summary.silentAfterMs ?? was.silentAfterMs;
  return withReport(silentAfterMs === summary.silentAfterMs ? summary : { ...summary, silentAfterMs }, was);
}

function withReport(summary: Summary, was: Summary | undefined): Summary {
  const lastReportAt = was?.lastReportAt ?? null;
  if (lastReportAt === null || lastReportAt <= (summary.lastReportAt ?? -Infinity)) return summary;
  return { ...summary, lastReportAt };
}
