/**
 * One program that sends odd reports over one connection, as SQL in every form, and remembers which rows were refused: each
 * statement names itself as its source. Invariant: its transactions touch only operations and identities of its own.
 */
import type pg from 'pg';
import copyStreams from 'pg-copy-streams';
import { LARGE, TYPES, type Column, type Odd, type OddStep, type Plain } from './odd-reports.ts';
import type { World } from './world.ts';

/** One program: what it made, and how often a row of its was refused by what was committed. */
export class OddLane {
  readonly refused = new Map<string, number>();
  private ids: number[] = [];
  private step = 0;
  private pending: [string, number][] = [];

  private readonly client: pg.Client;
  private readonly world: World;
  private readonly name: string;
  /** its identities are its own: it holds a transaction open */
  private readonly isAlone: boolean;

  constructor(client: pg.Client, world: World, name: string, isAlone = false) {
    this.client = client;
    this.world = world;
    this.name = name;
    this.isAlone = isAlone;
  }

  async run(steps: OddStep[]): Promise<void> {
    for (const step of steps) {
      if (step.do === 'transaction') await this.runTransaction(step);
      else await this.runPlain(step);
      this.settle(true);
    }
  }

  /** What was refused counts once it is committed. */
  settle(isCommitted: boolean): void {
    if (isCommitted) for (const [tag, count] of this.pending) this.refused.set(tag, count);
    this.pending = [];
  }

  private async runTransaction({
    steps,
    savepointAt,
    keeps,
    ends
  }: Extract<OddStep, { do: 'transaction' }>): Promise<void> {
    await this.client.query('begin');
    if (ends === 'prepare') await this.client.query('set local watchfloor.wake = off');
    const before = [...this.ids];
    let mark = Infinity;
    let known = before;
    for (const [at, step] of steps.entries()) {
      if (at === savepointAt) {
        await this.client.query('savepoint here');
        mark = this.pending.length;
        known = [...this.ids];
      }
      await this.runPlain(step, true);
    }
    if (savepointAt < steps.length && !keeps) {
      await this.client.query('rollback to here');
      this.pending.splice(mark);
      this.ids = known;
    }
    if (ends === 'prepare') {
      await this.client.query(`prepare transaction '${this.name} ${this.step}'`);
      await this.client.query(`commit prepared '${this.name} ${this.step}'`);
    } else await this.client.query(ends);
    if (ends === 'rollback') this.ids = before;
    this.settle(ends !== 'rollback');
  }

  /** Each statement names itself as its source, by which its refused rows are found again. */
  async runPlain(step: Plain, isWithin = false): Promise<void> {
    const tag = `${this.name} ${this.step++} ${step.do}`;
    const values: unknown[] = [];
    const literal = (column: Column, value: string | null): string => {
      values.push(this.valueOf(column, value, isWithin));
      return `$${values.length}::${TYPES[column]}`;
    };
    const columnsOf = (rows: Odd[]): Column[] =>
      (Object.keys(TYPES) as Column[]).filter((column) => rows.some((odd) => column in odd));
    const tuple = (columns: Column[], odd: Odd): string =>
      [
        ...columns.map((column) =>
          column in odd ? literal(column, odd[column]!) : literal(column, DEFAULTS[column] ?? null)
        ),
        `'${tag}'`
      ].join(', ');
    const setsOf = (odd: Odd): string =>
      [
        ...Object.entries(odd).map(([column, value]) => `${column} = ${literal(column as Column, value)}`),
        `source = '${tag}'`
      ].join(', ');
    const own = (at: number): number => this.ids[at % Math.max(1, this.ids.length)] ?? 0;
    const insert = (rows: Odd[]): string => {
      const columns = columnsOf(rows);
      return `insert into operation_runs (${[...columns, 'source'].join(', ')}) values ${rows.map((odd) => `(${tuple(columns, odd)})`).join(', ')}`;
    };
    const run = async (sql: string, parameters = values): Promise<number> => {
      try {
        const { rows, rowCount } = await this.client.query<{ id: number }>(sql, parameters);
        for (const { id } of rows) if (id) this.ids.push(Number(id));
        return rowCount ?? 0;
      } catch (error) {
        throw new Error(
          `${(error as Error).message} (${(error as pg.DatabaseError).code}) in ${tag}: ${sql.slice(0, 600)} with ${JSON.stringify(parameters).slice(0, 600)}`,
          { cause: error }
        );
      }
    };
    const told = (count: number): void => void this.pending.push([tag, count]);
    switch (step.do) {
      case 'insert': {
        if (step.tail === '') return told(step.rows.length - (await run(`${insert(step.rows)} returning id`)));
        const clause = step.tail === 'do nothing' ? 'on conflict do nothing' : upsert(step.rows[0]!);
        const taken = await run(`${insert(step.rows)} ${clause} returning id`);
        // DO NOTHING with a conflict leaves neither a row nor a refusal.
        if (step.tail === 'do update') told(1 - taken);
        return;
      }
      case 'update': {
        const id = own(step.pick);
        const taken = await run(`update operation_runs set ${setsOf(step.sets)} where id = ${id}`);
        return told(id === 0 ? 0 : 1 - taken);
      }
      case 'merge': {
        const columns = columnsOf([step.row]);
        const source = tuple(columns, step.row);
        const taken = await run(
          `merge into operation_runs o using (values (${source})) as n (${[...columns, 'source'].join(', ')}) on o.id = ${step.pick % 2 ? own(step.pick) : 0}
           when matched then update set progress_phase = 'merged', source = n.source
           when not matched then insert (${[...columns, 'source'].join(', ')}) values (${[...columns, 'source'].map((column) => `n.${column}`).join(', ')})`
        );
        return told(1 - taken);
      }
      case 'with': {
        const id = own(step.pick);
        const counts = await this.client.query<{ id: number }>(
          `with u as (update operation_runs set ${setsOf(step.sets)} where id = ${id} returning id),
             i as (${insert([step.row])} returning id)
           select id from u union all select id from i`,
          values
        );
        for (const { id: made } of counts.rows) if (made !== id) this.ids.push(Number(made));
        return told((id === 0 ? 1 : 2) - (counts.rowCount ?? 0));
      }
      case 'copy': {
        const columns = columnsOf(step.rows);
        const stream = this.client.query(
          copyStreams.from(`copy operation_runs (${[...columns, 'source'].join(', ')}) from stdin`)
        );
        const field = (value: string | null): string =>
          value === null
            ? '\\N'
            : value.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
        for (const odd of step.rows)
          stream.write(
            `${[...columns.map((column) => field(this.valueOf(column, column in odd ? odd[column]! : (DEFAULTS[column] ?? null), isWithin) as string | null)), tag].join('\t')}\n`
          );
        stream.end();
        await new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject));
        const { rows } = await this.client.query<{ id: number }>('select id from operation_runs where source = $1', [
          tag
        ]);
        for (const { id } of rows) this.ids.push(Number(id));
        return told(step.rows.length - rows.length);
      }
      case 'prepared by name': {
        const columns = columnsOf([step.row]);
        const name = `p_${this.step}`;
        await this.client.query(`prepare ${name} as insert into operation_runs (${[...columns, 'source'].join(', ')})
          values (${[...columns.map((column, at) => `$${at + 1}::${TYPES[column]}`), `'${tag}'`].join(', ')}) ${upsert(step.row)} returning id`);
        tuple(columns, step.row);
        const quoted = values.map((value) => (value === null ? 'null' : this.client.escapeLiteral(String(value))));
        told(1 - (await run(`execute ${name}${quoted.length ? `(${quoted.join(', ')})` : ''}`, [])));
        await this.client.query(`deallocate ${name}`);
      }
    }
  }

  private valueOf(column: Column, value: string | null, isWithin: boolean): string | null {
    if (value === null) return null;
    if (Object.hasOwn(LARGE, value)) return LARGE[value]!;
    if (column === 'workspace_id')
      return value === 'a' ? String(this.world.a) : value === 'b' ? String(this.world.b) : value;
    if (column === 'managed_environment_id')
      return /^[ab]\d$/.test(value) ? String(this.world[value as 'a1' | 'a2' | 'a3' | 'b1']) : value;
    if (column === 'user_id' && value === 'person') return String(this.world.everyone.id);
    // An identity in an open transaction is that transaction's.
    if (column === 'run_identity_hash' && value !== '' && (isWithin || this.isAlone)) return `${this.name} ${value}`;
    return value;
  }
}

const DEFAULTS: Partial<Record<Column, string>> = { status: 'queued', outcome: 'pending' };

/** The clause that docs/REPORTING.md gives, for the index that this row falls under. */
function upsert({ managed_environment_id: environment }: Odd): string {
  return environment == null
    ? `on conflict (workspace_id, run_identity_hash) where status <> 'completed' and managed_environment_id is null and run_identity_hash is not null do update set status = operation_runs.status, source = excluded.source`
    : `on conflict (managed_environment_id, run_identity_hash) where status <> 'completed' and managed_environment_id is not null and run_identity_hash is not null do update set status = operation_runs.status, source = excluded.source`;
}
