/**
 * What a node tells operators about itself, as Prometheus reads it. It owns the registry, the names and the help texts;
 * who may read them is door.ts's business. Invariants: no label names a person, a workspace or an address, and every
 * label has a closed list of values, so that what is exposed tells nothing and cannot grow; reading costs the database
 * at most one small statement, and none within ten seconds of the last.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Queryable } from '../database/pool.ts';
import type { LiveFigures } from '../live/figures.ts';
import { PROTOCOL_VERSION } from '../../live/protocol.ts';
import { signInAnswered, workEnded } from './channels.ts';
import { registerLive } from './live.ts';
import type { RouteLabel } from './routes.ts';
import { registerTables } from './tables.ts';

/** Anything else is `other`: a client may write whatever it likes. */
const METHODS = ['GET', 'HEAD', 'POST'] as const;
export type StatusLabel = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'aborted';

export interface AnsweredRequest {
  method: string | undefined;
  route: RouteLabel;
  status: StatusLabel;
  seconds: number;
}

export interface MetricsOptions {
  version: string;
  /** null while there is no hub yet */
  figures: () => LiveFigures | null;
  /** acts as `feed`; null while there is no database yet */
  database: () => Queryable | null;
  /** Node's own figures as well: once a process, since they observe it from then on */
  withNode?: boolean;
}

export interface Metrics {
  requestStarted(): void;
  requestEnded(request: AnsweredRequest): void;
  /** The exposition; never throws for a part that cannot be read, which is left out. */
  read(): Promise<{ contentType: string; text: string }>;
  close(): void;
}

export function openMetrics({ version, figures, database, withNode = false }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (withNode) collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'watchfloor_build_info',
    help: 'Always 1. Nodes of different versions beside each other are normal during a rolling upgrade only.',
    labelNames: ['version', 'protocol'],
    registers
  }).set({ version, protocol: String(PROTOCOL_VERSION) }, 1);
  registerLive(registry, figures);
  registerTables(registry, database);

  const inFlight = new Gauge({
    name: 'watchfloor_http_requests_in_flight',
    help: 'Requests that are being answered. If it grows, pages wait for the database: see watchfloor_pool_waiting.',
    registers
  });
  const durations = new Histogram({
    name: 'watchfloor_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer, by page and class of status. aborted: the client left first. For 5xx the log has the reason.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers
  });
  const signIns = new Counter({
    name: 'watchfloor_sign_ins_total',
    help: 'Attempts to sign in: signed_in, refused, limited (too many). Many refused or limited: somebody guesses passwords.',
    labelNames: ['answer'],
    registers
  });
  // Present from the start: a rate needs a first sample.
  for (const answer of ['signed_in', 'refused', 'limited', 'busy']) signIns.inc({ answer }, 0);
  const work = new Counter({
    name: 'watchfloor_maintenance_total',
    help: 'Rounds of work in the background, by task: done or failed. Failed ones are tried again; the log says why.',
    labelNames: ['task', 'result'],
    registers
  });
  const workDoneAt = new Gauge({
    name: 'watchfloor_maintenance_last_done_timestamp_seconds',
    help: 'When a task was last done by this node, in Unix time. Long ago: the log says why it fails.',
    labelNames: ['task'],
    registers
  });

  const stopHearing = [
    signInAnswered.hear(({ answer }) => signIns.inc({ answer: answer.replace(' ', '_') })),
    workEnded.hear(({ name, isDone }) => {
      const task = toTaskLabel(name);
      work.inc({ task, result: isDone ? 'done' : 'failed' });
      if (isDone) workDoneAt.setToCurrentTime({ task });
    })
  ];

  return {
    requestStarted: () => inFlight.inc(),
    requestEnded({ method, route, status, seconds }) {
      inFlight.dec();
      durations.observe({ method: METHODS.find((known) => known === method) ?? 'other', route, status }, seconds);
    },
    read: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    close() {
      for (const stop of stopHearing) stop();
      registry.clear();
    }
  };
}

/** "The sweep of follow-ups" → `sweep_of_follow_ups`: the names are constants of the code. */
function toTaskLabel(name: string): string {
  return name
    .toLowerCase()
    .replace(/^the /, '')
    .replace(/[^a-z0-9]+/g, '_');
}
