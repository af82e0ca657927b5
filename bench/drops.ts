/**
 * The same stream of changes through a network that fails every client again and again: how much of it arrives, how soon
 * after the network's return a client knows everything again, and how much is right in the end. Watchfloor against stock
 * Socket.IO (the version that it uses itself), which broadcasts each row, without and with connection state recovery. One
 * table, one set of triggers and one kind of writer for all; what should have arrived is read from the database, in the
 * database's own count (a row's revision rises by one with each statement), not from what anybody sent.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { openReader } from '../tests/harness/live.ts';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makePerson, makeWorld, type TestPerson, type World } from '../tests/harness/world.ts';
import { startChanges } from './changes.ts';
import type { Order, Report, Seat } from './drops-clients.ts';
import { DROPS, type Drop } from './drops-proxy.ts';
import type { Row } from './drops-score.ts';
import { median, Runs } from './figures.ts';
import { inTurn, runsOf, tell, type Part, type Size } from './part.ts';
import { answerOf, makeDatabase, startOwn, startProduction, type BenchServer } from './servers.ts';

const SUBJECTS = ['Socket.IO', 'Socket.IO, recovery', 'Watchfloor'] as const;
type SubjectName = (typeof SUBJECTS)[number];

interface Plan {
  clients: number;
  rate: number;
  drops: number;
  awayMs: number;
  /** between the network's return and its next failure */
  backMs: number;
  /** nothing more is coming when nothing has come to anyone for so long */
  patienceMs: number;
  how: readonly Drop[];
}
const NORMAL: Plan = { clients: 50, rate: 100, drops: 3, awayMs: 2_000, backMs: 3_000, patienceMs: 2_000, how: DROPS };
const PLANS: Record<Size, Plan> = {
  quick: { clients: 6, rate: 50, drops: 1, awayMs: 300, backMs: 700, patienceMs: 1_000, how: ['cut'] },
  normal: NORMAL,
  full: { ...NORMAL, drops: 6 }
};
/** Far below what one session may have open, also where the server has not noticed that three are gone. */
const CLIENTS_OF_A_PERSON = 5;
const BEFORE_THE_FIRST_DROP_MS = 1_000;

/** Beside our triggers, whose revisions count the changes: sends each row as most would write it. */
const NOTIFY_ROWS = `
  create function tell_row() returns trigger language plpgsql as $$ begin
    perform pg_notify('rows', to_jsonb(new)::text); return null; end $$;
  create trigger zz_tell_row after insert or update on operation_runs for each row execute function tell_row()`;

interface Subject {
  kind: 'hub' | 'stock';
  url: string;
  world: World;
  people: TestPerson[];
  server: BenchServer;
  close(): Promise<void>;
}

export const drops: Part = {
  async run(postgres, size) {
    const plan = PLANS[size];
    const subjects = new Map<SubjectName, Subject>();
    for (const name of SUBJECTS) subjects.set(name, await open(postgres, name, plan));
    const runs = new Runs();
    for (let run = 0; run < runsOf(size); run++)
      for (const how of plan.how)
        for (const [name, subject] of inTurn(subjects, run)) {
          tell(`drops: run ${run + 1}, ${how}, ${name}`);
          addTo(runs, `${how} ${name}`, await measure(subject, plan, how));
        }
    for (const subject of subjects.values()) await subject.close();
    const table = {
      title: `${plan.drops} drops of ${plan.awayMs / 1_000} s of ${plan.clients} clients at once, ${plan.rate} changes a second; medians of ${runsOf(size)} runs (lowest to highest)`,
      head: [
        'the drop is',
        'server',
        'delivered, %',
        'made while away: delivered, %',
        'arrived itself, %',
        'rows right in the end, %',
        'complete after, ms',
        'slowest, ms',
        'never complete, %',
        'pages read anew'
      ],
      rows: plan.how.flatMap((how) =>
        SUBJECTS.map((name) => {
          const of = (figure: string, show = share): string => withSpread(runs, `${how} ${name} ${figure}`, show);
          return [
            how,
            name,
            of('delivered'),
            of('away'),
            of('itself'),
            of('right'),
            of('p50', milliseconds),
            of('slowest', milliseconds),
            of('never'),
            String(runs.sum(`${how} ${name} readAnew`))
          ];
        })
      )
    };
    return { tables: [table], raw: runs };
  }
};

async function open(postgres: TestPostgres, name: SubjectName, plan: Plan): Promise<Subject> {
  const url = await makeDatabase(postgres, `bench_drops_${SUBJECTS.indexOf(name)}`);
  const world = await makeWorld(url);
  const people: TestPerson[] = [];
  for (let n = 0; n < Math.ceil(plan.clients / CLIENTS_OF_A_PERSON); n++) {
    const person = await makePerson(world.owner, `person ${n}`);
    await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
      world.a,
      person.id
    ]);
    people.push(person);
  }
  const kind = name === 'Watchfloor' ? 'hub' : 'stock';
  if (kind === 'stock') {
    const owner = new pg.Client({ connectionString: url });
    await owner.connect();
    await owner.query(NOTIFY_ROWS);
    await owner.end();
  }
  const server =
    kind === 'hub'
      ? await startProduction(url)
      : await startOwn(new URL('./drops-server.ts', import.meta.url), [
          url,
          name === 'Socket.IO' ? 'broadcast' : 'recovery'
        ]);
  return {
    kind,
    url,
    world,
    people,
    server,
    close: async () => void (await Promise.all([server.stop(), world.close()]))
  };
}

async function measure(subject: Subject, plan: Plan, how: Drop): Promise<Report> {
  const { kind, url, world, server } = subject;
  const scope = { workspaceId: world.a, environmentId: null };
  const { rows: found } = await world.owner.query('select coalesce(max(id), 0) as id from operation_runs');
  const lastBefore = Number(found[0].id);
  const readRows = async (): Promise<Row[]> => {
    const { rows } = await world.owner.query(
      `select id, revision, status || ' ' || outcome || ' ' || coalesce(progress_processed, 0) as state
       from operation_runs where workspace_id = $1 and id > $2`,
      [world.a, lastBefore]
    );
    return rows.map(({ id, revision, state }): Row => [Number(id), Number(revision), state]);
  };
  const child = fork(new URL('./drops-clients.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  const order = async (what: Order): Promise<unknown> => {
    const answer = answerOf(child);
    child.send(what);
    return answer;
  };
  try {
    const seats = await seatsOf(subject, plan.clients);
    await order({ do: 'open', kind, port: server.port, url, scope, seats });
    const changes = await startChanges(url, world, plan.rate);
    await delay(BEFORE_THE_FIRST_DROP_MS);
    for (let drop = 0; drop < plan.drops; drop++) {
      await order({ do: 'drop', how });
      const before = await readRows();
      await delay(plan.awayMs);
      await order({ do: 'restore', before, after: await readRows() });
      await delay(plan.backMs);
    }
    await changes.stop();
    return (await order({ do: 'finish', rows: await readRows(), patienceMs: plan.patienceMs })) as Report;
  } finally {
    await end(child);
  }
}

async function seatsOf({ url, world, people }: Subject, clients: number): Promise<Seat[]> {
  const reader = openReader(url);
  const scope = { workspaceId: world.a, environmentId: null };
  const tokens = await Promise.all(people.map(async (person) => (await reader.read(person, scope))!.token));
  await reader.close();
  return Array.from({ length: clients }, (_, n) => {
    const nth = Math.floor(n / CLIENTS_OF_A_PERSON);
    return { person: people[nth]!, token: tokens[nth]! };
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  if (child.connected) child.disconnect();
  await ended;
}

function addTo(runs: Runs, key: string, { all, away, rows, right, completeAfter, readAnew }: Report): void {
  const complete = completeAfter.filter((after) => after !== null);
  runs.add(`${key} delivered`, all.delivered / all.made);
  runs.add(`${key} away`, away.delivered / away.made);
  runs.add(`${key} itself`, all.itself / all.made);
  runs.add(`${key} right`, right / rows);
  runs.add(`${key} p50`, median(complete));
  runs.add(`${key} slowest`, complete.length > 0 ? Math.max(...complete) : NaN);
  runs.add(`${key} never`, 1 - complete.length / completeAfter.length);
  runs.add(`${key} readAnew`, readAnew);
}

/** Rounded down, so that 100 means all of them. */
const share = (value: number): string => (Number.isFinite(value) ? String(Math.floor(value * 10_000) / 100) : '–');
const milliseconds = (value: number): string => (Number.isFinite(value) ? value.toFixed(0) : '–');

/** The middle of the runs, and where they differ, the lowest and the highest. */
function withSpread(runs: Runs, key: string, show: (value: number) => string): string {
  const found = (runs.toJSON()[key] ?? []).filter((value) => Number.isFinite(value));
  const [low, middle, high] = [Math.min(...found), median(found), Math.max(...found)].map(show);
  return low === high || found.length === 0 ? middle! : `${middle} (${low} to ${high})`;
}
