/**
 * A strict reader of Prometheus' text format 0.0.4, as its documentation describes it: it throws for what a scraper would
 * refuse or misunderstand, so that a test that reads is a test of the format.
 */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram' | 'summary';
  help: string;
  samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('The last line must end.');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: Family | null = null;
  let help: { name: string; text: string } | null = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# HELP ')) {
      const [, name, words] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
      if (!name || !words || !NAME.test(name)) throw new Error(`Not a HELP line: ${line}`);
      help = { name, text: words };
      continue;
    }
    if (line.startsWith('# TYPE ')) {
      const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? [];
      if (!name || !type) throw new Error(`Not a TYPE line: ${line}`);
      if (help?.name !== name) throw new Error(`${name} has no help of its own.`);
      if (families.has(name)) throw new Error(`${name} is told twice.`);
      current = { name, type: type as Family['type'], help: help.text, samples: [] };
      families.set(name, current);
      continue;
    }
    if (line.startsWith('#')) throw new Error(`A comment that says nothing: ${line}`);
    const sample = parseSample(line);
    if (current === null || !belongsTo(sample.name, current)) throw new Error(`A sample of nobody: ${line}`);
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(key)) throw new Error(`Told twice: ${line}`);
    seen.add(key);
    current.samples.push(sample);
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

/** The value of the one sample with these labels; undefined where there is none. */
export function valueOf(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {}
): number | undefined {
  const family = families.get(name.replace(/_(bucket|sum|count)$/, '')) ?? families.get(name);
  const wanted = Object.entries(labels);
  return family?.samples.find(
    (sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value)
  )?.value;
}

function parseSample(line: string): Sample {
  const [, name, inner, number] = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (!name || !NAME.test(name) || number === undefined) throw new Error(`Not a sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = inner ?? '';
  while (rest !== '') {
    const [whole, key, value] = /^([^=,]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest) ?? [];
    if (whole === undefined || !key || !LABEL.test(key) || key.startsWith('__') || key in labels)
      throw new Error(`Not labels: ${line}`);
    labels[key] = value!.replace(/\\(["\\n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(whole.length);
  }
  const value = number === '+Inf' ? Infinity : number === '-Inf' ? -Infinity : Number(number);
  // prom-client writes `Nan`; Prometheus reads it in any case.
  if (Number.isNaN(value) && number.toLowerCase() !== 'nan') throw new Error(`Not a number: ${line}`);
  return { name, labels, value };
}

function belongsTo(sample: string, { name, type }: Family): boolean {
  if (type === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(sample);
  if (type === 'summary') return [name, `${name}_sum`, `${name}_count`].includes(sample);
  return sample === name;
}

function checkFamily({ name, type, samples }: Family): void {
  // Conventions that tools rely on: counters say so, and nobody else does (prom-client's own gauges do).
  const isOurs = name.startsWith('watchfloor_');
  if (type === 'counter' ? !name.endsWith('_total') : isOurs && name.endsWith('_total'))
    throw new Error(`${name} is a ${type}.`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} is below zero.`);
  if (type !== 'histogram') return;
  const series = new Map<string, { buckets: [number, number][]; count?: number }>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    const one = series.get(key) ?? { buckets: [] };
    series.set(key, one);
    if (sample.name.endsWith('_bucket')) one.buckets.push([le === '+Inf' ? Infinity : Number(le), sample.value]);
    if (sample.name.endsWith('_count')) one.count = sample.value;
  }
  for (const { buckets, count } of series.values()) {
    if (buckets.at(-1)?.[0] !== Infinity || buckets.at(-1)?.[1] !== count) throw new Error(`${name} does not add up.`);
    for (const [index, [le, value]] of buckets.entries()) {
      const before = buckets[index - 1];
      if (before && (le <= before[0] || value < before[1])) throw new Error(`${name} has buckets out of order.`);
    }
  }
}
