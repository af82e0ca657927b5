/**
 * All that production adds for whoever watches over it, as one part of the composition root: metrics, the watch over
 * requests, the two ways to read /metrics. Invariant: a process without METRICS_TOKEN and METRICS_PORT opens nothing,
 * and asks the database nothing.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type pg from 'pg';
import { version } from '../../../../package.json';
import type { Denials } from '../access/denials.ts';
import type { Config } from '../config.ts';
import { openPool } from '../database/pool.ts';
import { listen, stopListening } from '../http-listen.ts';
import type { LiveFigures } from '../live/figures.ts';
import type { Log } from '../log.ts';
import { figuresAsked } from './channels.ts';
import { createMetricsServer, openMetricsDoor } from './door.ts';
import { openMetrics } from './metrics.ts';
import { openRequestWatch } from './requests.ts';

export interface Monitoring {
  /** Must see every request first. */
  watch(request: IncomingMessage, response: ServerResponse): void;
  /** Answers /metrics for those who may, and returns true; for all others the path is left to whoever comes next. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Takes METRICS_PORT, if there is one. Throws a StartupError when it cannot be had. */
  listen(): Promise<void>;
  /** From now on Postgres' own statistics are told, too. */
  readFrom(databaseUrl: string): void;
  close(): Promise<void>;
}

export function openMonitoring(options: {
  config: Pick<Config, 'metricsToken' | 'metricsPort'>;
  log: Log;
  /** null while there is no hub yet */
  figures: () => LiveFigures | null;
  /** of requests that reach neither the hub nor SvelteKit */
  denials: Pick<Denials, 'figures'>;
}): Monitoring {
  const { config, log, figures, denials } = options;
  let pool: pg.Pool | null = null;
  let server: Server | null = null;
  // Node's own figures wake the process a hundred times a second: only for somebody who reads them.
  const isRead = config.metricsToken !== null || config.metricsPort !== null;
  const metrics = openMetrics({ version, withNode: isRead, figures, database: () => pool });
  const stopTelling = figuresAsked.hear((teller) => {
    for (const [door, count] of Object.entries(denials.figures().byDoor)) teller.denials(door, count);
  });
  return {
    watch: openRequestWatch(metrics, log),
    handle: openMetricsDoor({ metrics, token: config.metricsToken, log }),
    async listen() {
      if (config.metricsPort === null) return;
      server = createMetricsServer({ metrics, log });
      await listen(server, { host: '127.0.0.1', port: config.metricsPort }, 'METRICS_PORT');
    },
    readFrom(url) {
      pool = openPool({ url, role: 'feed', max: 1, applicationName: 'watchfloor metrics' });
    },
    async close() {
      stopTelling();
      metrics.close();
      await Promise.all([server?.listening && stopListening(server).finished(), pool?.end()]);
    }
  };
}
