/**
 * The numbers of a scope as a page and the stream bring them: one summary for each unit of access, and their sum. It has
 * no clock. Invariants: of one unit the newer `at` counts, until an answer of the server replaces them all; what was
 * purged is unknown (null), never zero; a report that is seen in a row is never older than `lastReportAt` says.
 */
import type { OperationRow } from '../operations/operation.ts';
import { mergeSummaries, type Summary, type SummaryPlace } from '../operations/summary.ts';

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

  /** An answer of the server: all units that were joined. */
  replace(summaries: readonly Summary[]): void {
    this.#put(toMap(summaries));
    this.#isIncomparable = false;
  }

  /** A page's: which units there are, but not over newer numbers of theirs. */
  adopt(summaries: readonly Summary[], isSameWorkspace: boolean): void {
    const was = isSameWorkspace && !this.#isIncomparable ? this.#byPlace : null;
    this.replace(summaries.map((summary) => newer(was?.get(summary.place), summary)));
  }

  /** One unit's numbers moved. */
  take(summary: Summary): void {
    const was = this.#byPlace?.get(summary.place);
    if (this.#byPlace === null || this.#isIncomparable || (was === undefined && this.#mode === 'scope')) return;
    if (was !== undefined && was.at >= summary.at) return;
    this.#put(new Map(this.#byPlace).set(summary.place, withReport(summary, was?.lastReportAt ?? null)));
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

  /** The stream broke off: what is shown stays, and nothing is compared with it. */
  loseStream(): void {
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

function newer(was: Summary | undefined, summary: Summary): Summary {
  if (was === undefined) return summary;
  return was.at > summary.at ? was : withReport(summary, was.lastReportAt);
}

function withReport(summary: Summary, lastReportAt: number | null): Summary {
  if (lastReportAt === null || lastReportAt <= (summary.lastReportAt ?? -Infinity)) return summary;
  return { ...summary, lastReportAt };
}
