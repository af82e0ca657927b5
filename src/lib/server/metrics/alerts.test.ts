/** What is shipped and written for operators names only metrics and labels that there are, in the language of Prometheus. */
import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseExposition, type Family } from '../../../../tests/harness/exposition.ts';
import { openCounters } from '../live/figures.ts';
import { workEnded } from './channels.ts';
import { openMetrics, type Metrics } from './metrics.ts';

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

const pool = { total: 0, idle: 0, waiting: 0 };
let metrics: Metrics;
let families: Map<string, Family>;

beforeAll(async () => {
  metrics = openMetrics({
    version: '1',
    withNode: true,
    figures: () => ({
      ...openCounters(),
      sockets: 0,
      laggardsNow: 0,
      ringBatches: 0,
      ringRows: 0,
      proofAgeMs: 0,
      lostLink: null,
      pools: { feed: pool, hub: pool, numbers: pool, lists: pool, returns: pool, access: pool }
    }),
    database: () =>
      ({
        query: async () => ({
          rows: ['rejected_reports', 'changes', 'operation_runs'].map((name) => ({ name, inserted: 1, live: 1 }))
        })
      }) as never
  });
  metrics.requestStarted();
  metrics.requestEnded({ method: 'GET', route: '/login', status: '2xx', seconds: 0.1 });
  workEnded.tell({ name: 'The sweep', isDone: true });
  families = parseExposition((await metrics.read()).text);
});
afterAll(() => metrics.close());

const rulesOf = (): Rule[] =>
  (parse(readFileSync('deploy/alerts.yml', 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
    ({ rules }) => rules
  );

/** Metrics of an expression with the labels that are asked for; `up` is Prometheus' own. */
function readExpression(expression: string): { names: string[]; labels: Set<string>; mistakes: number[] } {
  const found = { names: [] as string[], labels: new Set<string>(), mistakes: [] as number[] };
  parser.parse(expression).iterate({
    enter(node) {
      const text = expression.slice(node.from, node.to);
      if (node.type.isError) found.mistakes.push(node.from);
      if (node.name === 'VectorSelector') found.names.push(/^\w+/.exec(text)![0]);
      if (node.name === 'LabelName') found.labels.add(text);
    }
  });
  return found;
}
function familyOf(name: string): Family | undefined {
  return families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
}

test('the reader of expressions knows a wrong one', () => {
  expect(readExpression('rate(watchfloor_x_total[5m] >').mistakes).not.toEqual([]);
  expect(readExpression('max by (task) (watchfloor_x{a="b"})')).toEqual({
    names: ['watchfloor_x'],
    labels: new Set(['task', 'a']),
    mistakes: []
  });
});

test('every alert can be read, names what there is, and says what to do', () => {
  const rules = rulesOf();
  expect(rules.length).toBeGreaterThan(10);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, expr, labels, annotations, ...rest } of rules) {
    const { names, labels: asked, mistakes } = readExpression(expr);
    expect(mistakes, alert).toEqual([]);
    expect(names, alert).not.toEqual([]);
    const known = new Set(['instance', 'job']);
    for (const name of names) {
      if (name !== 'up') expect(familyOf(name), `${alert}: ${name}`).toBeDefined();
      for (const { labels: given } of familyOf(name)?.samples ?? [])
        for (const label of Object.keys(given)) known.add(label);
    }
    for (const [, label] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) asked.add(label!);
    expect(
      [...asked].filter((label) => !known.has(label)),
      alert
    ).toEqual([]);
    expect(['critical', 'warning'], alert).toContain(labels.severity);
    expect(annotations.description.length, alert).toBeGreaterThan(30);
    expect(rest.for ?? '0s', alert).toMatch(/^\d+[smh]$/);
  }
});

test('the handbook names only metrics that there are, and all that are ours', () => {
  const handbook = readFileSync('docs/OPERATING.md', 'utf8');
  const named = new Set(
    handbook.match(/\b(watchfloor|nodejs|process)_[a-z0-9_]+(_total|_seconds|_bytes|_rows|_info)\b/g)
  );
  for (const name of named) expect(familyOf(name), name).toBeDefined();
  const ours = [...families.keys()].filter((name) => name.startsWith('watchfloor_'));
  expect(ours.filter((name) => !handbook.includes(name))).toEqual([]);
});
