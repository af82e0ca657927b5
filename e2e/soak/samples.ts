/**
 * What a page holds: heap, nodes and listeners after a collection, and whether they grew. Invariant: nothing is compared
 * but samples taken in the same state of the page.
 */
import type { CDPSession, Page } from '@playwright/test';

export interface Sample {
  heap: number;
  nodes: number;
  listeners: number;
}

export interface Soaked {
  name: string;
  /** "24.0 hours of updates in 4.1 min" */
  played: string;
  samples: Sample[];
  errors: string[];
}

/** The issue asks for less than 10 % in a day. */
const MOST_GROWTH = 0.1;
/** A day's strip gains a bar with each hour in which something failed; whatever leaks, leaks thousands. */
const MOST_NODES = 24;

export async function openSampler(page: Page): Promise<CDPSession> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  return cdp;
}

export async function takeSample(cdp: CDPSession): Promise<Sample> {
  // One collection may leave what only the next one finds free (weak references, detached nodes).
  for (let n = 0; n < 3; n += 1) await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const value = (name: string): number => metrics.find((one) => one.name === name)!.value;
  return { heap: value('JSHeapUsedSize'), nodes: value('Nodes'), listeners: value('JSEventListeners') };
}

const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(2);

export function printSample(label: string, { heap, nodes, listeners }: Sample): void {
  console.log(`${label.padStart(16)}  heap ${mib(heap).padStart(6)} MiB  nodes ${nodes}  listeners ${listeners}`);
}

/** Prints the end and says whether it held. */
export function judge({ name, played, samples, errors }: Soaked): boolean {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || samples.length < 2) {
    console.log(`${name}: too short to tell`);
    return false;
  }
  const growth = last.heap / first.heap - 1;
  const [nodes, listeners] = [last.nodes - first.nodes, last.listeners - first.listeners];
  console.log(
    `${name}: ${played}: heap ${(growth * 100).toFixed(1)} %, nodes ${nodes}, listeners ${listeners}, errors ${errors.length}`
  );
  for (const error of errors.slice(0, 5)) console.error(error);
  return growth < MOST_GROWTH && nodes <= MOST_NODES && listeners <= 0 && errors.length === 0;
}
