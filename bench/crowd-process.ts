/**
 * A part of a crowd: very many clients in a process of its own, cheap enough that the server is what is measured. Each
 * keeps the revision of every tracked row, so that it can be asked what it has; a message is parsed once, however many
 * clients are told it. It says how busy it was itself: where that is near a whole core, it was the bottleneck.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { WireClient } from '../tests/harness/wire-client.ts';

export interface CrowdSeat {
  port: number;
  /** null = the raw server's */
  cookie: string | null;
  workspaceId: number;
  token: string;
}

export type CrowdOrder =
  /** what is tracked, and the instant that values of progress count from, in ms since 1970 */
  | { do: 'track'; ids: number[]; epoch: number }
  /** these come, or come back with what they hold, spread over so many ms */
  | { do: 'open'; seats: CrowdSeat[]; withinMs: number }
  | { do: 'return'; withinMs: number }
  /** all connections are gone, without a word */
  | { do: 'drop' }
  /** so many stop reading, beginning at the nth; or read again */
  | { do: 'stall' | 'resume'; from: number; count: number }
  | { do: 'begin' }
  | { do: 'report' }
  /** how many have at least these revisions of the tracked rows, from the nth on */
  | { do: 'compare'; revisions: number[]; from: number }
  | { do: 'close' };

export interface CrowdReport {
  connected: number;
  /** messages of rows, the rows in them, and bytes */
  messages: number;
  rows: number;
  bytes: number;
  /** [half milliseconds, rows] from the writer's statement to here */
  latencies: [number, number][];
  /** share of one core since `begin`, and how late the process was itself, in ms at the 99th percentile */
  busy: number;
  lateMs: number;
}

export interface CrowdAnswers {
  /** by result: caught_up, resync …, failed */
  results: Record<string, number>;
  /** ms from connecting until live, of those who are */
  waits: number[];
}

interface Member {
  seat: CrowdSeat;
  client: WireClient | null;
  token: string;
  revisions: Int32Array;
  isLive: boolean;
  /** it stopped reading once: how late it is told is its own doing */
  hasStalled: boolean;
}

interface Parsed {
  head: Buffer;
  tail: Buffer;
  length: number;
  /** tracked index, revision, value */
  rows: [number, number, number][];
}

const HEAD = 600;
const TAIL = 100;
const RECENT = 12;
/** How many connect at the same time. */
const AT_ONCE = 200;
const PATIENCE_MS = 60_000;

const members: Member[] = [];
let indexOf = new Map<number, number>();
let epoch = 0;
let latencies = new Map<number, number>();
let [messages, rows, bytes] = [0, 0, 0];
let isMeasuring = false;
let recent: Parsed[] = [];
let [cpuAt, at] = [process.cpuUsage(), performance.now()];
const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();

const now = (): number => performance.timeOrigin + performance.now() - epoch;

interface RowText {
  id: number;
  revision: number;
  progress?: { processed: number | null };
  progress_processed?: number;
}

function parse(text: Buffer): Parsed {
  const head = text.subarray(0, HEAD);
  const tail = text.subarray(Math.max(0, text.length - TAIL));
  for (const one of recent)
    if (one.length === text.length && one.head.equals(head) && one.tail.equals(tail)) return one;
  const found: Parsed = { head: Buffer.from(head), tail: Buffer.from(tail), length: text.length, rows: [] };
  const add = (told: RowText[]): void => {
    for (const row of told) {
      const index = indexOf.get(row.id);
      const value = row.progress?.processed ?? row.progress_processed ?? 0;
      if (index !== undefined) found.rows.push([index, row.revision, value]);
    }
  };
  if (text[0] === 0x7b) add([JSON.parse(text.toString()) as RowText]);
  else {
    const [name, body] = JSON.parse(text.subarray(2).toString()) as [string, Record<string, unknown>];
    if (name === 'rows:changed') add(body['rows'] as RowText[]);
    if (name === 'window:read') {
      add(body['rows'] as RowText[]);
      add((body['changes'] as { rows: RowText[] }).rows);
    }
  }
  recent.push(found);
  if (recent.length > RECENT) recent.shift();
  return found;
}

function take(member: Member, text: Buffer): void {
  const name = text[0] === 0x7b ? 'rows' : text.toString('latin1', 4, 8);
  if (name === 'feed') return hearTick(member, text);
  if (name === 'resy' || name === 'acce') return lose(member);
  if (name !== 'rows' && name !== 'wind') return;
  const parsed = parse(text);
  messages++;
  bytes += text.length;
  const arrived = now();
  for (const [index, revision, value] of parsed.rows) {
    if (revision <= member.revisions[index]!) continue;
    member.revisions[index] = revision;
    rows++;
    if (!isMeasuring || value <= 0 || member.hasStalled) continue;
    const bin = Math.max(0, Math.round((arrived - value / 10) * 2));
    latencies.set(bin, (latencies.get(bin) ?? 0) + 1);
  }
}

/** Only a tick with a token is worth reading. */
function hearTick(member: Member, text: Buffer): void {
  if (text.length < 80) return;
  const [, body] = JSON.parse(text.subarray(2).toString()) as [string, { token?: string }];
  if (body.token !== undefined) member.token = body.token;
}

/** It was told to read anew: for this crowd it is not live any more. */
function lose(member: Member): void {
  member.isLive = false;
}

async function open(member: Member, answers: CrowdAnswers): Promise<void> {
  const from = performance.now();
  const { port, cookie, workspaceId } = member.seat;
  const client = new WireClient({
    port,
    cookie,
    told: (text) => take(member, text),
    closed() {
      if (member.client === client) [member.client, member.isLive] = [null, false];
    }
  });
  member.client = client;
  const count = (result: string): void => void (answers.results[result] = (answers.results[result] ?? 0) + 1);
  const patience = setTimeout(() => client.close(), PATIENCE_MS);
  try {
    await client.opened();
    if (cookie !== null) {
      await client.connected();
      let answer = await client.subscribe({ workspaceId, environmentId: null }, member.token);
      while (answer.result === 'unavailable') {
        await delay(500);
        answer = await client.subscribe({ workspaceId, environmentId: null }, member.token);
      }
      if (answer.result !== 'caught_up')
        return count(answer.result === 'resync' ? `resync ${answer.reason}` : answer.result);
      member.token = answer.token;
      for (const { id, revision } of answer.rows) {
        const index = indexOf.get(id);
        if (index !== undefined) member.revisions[index] = Math.max(revision, member.revisions[index]!);
      }
    }
    member.isLive = true;
    count('caught_up');
    answers.waits.push(performance.now() - from);
  } catch {
    count('failed');
  } finally {
    clearTimeout(patience);
  }
}

async function openAll(some: Member[], withinMs: number): Promise<CrowdAnswers> {
  const answers: CrowdAnswers = { results: {}, waits: [] };
  if (withinMs > 0) {
    // Each at its own moment, however long those before it take.
    const from = performance.now();
    const opening: Promise<void>[] = [];
    for (const [nth, member] of some.entries()) {
      const due = from + (nth * withinMs) / some.length;
      if (performance.now() < due) await delay(due - performance.now());
      opening.push(open(member, answers));
    }
    await Promise.all(opening);
    return answers;
  }
  const waiting = [...some];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let member = waiting.pop(); member; member = waiting.pop()) await open(member, answers);
    })
  );
  return answers;
}

function report(): CrowdReport {
  const used = process.cpuUsage(cpuAt);
  return {
    connected: members.filter(({ isLive }) => isLive).length,
    messages,
    rows,
    bytes,
    latencies: [...latencies],
    busy: (used.user + used.system) / 1_000 / (performance.now() - at),
    lateMs: loop.percentile(99) / 1e6
  };
}

async function obey(order: CrowdOrder): Promise<unknown> {
  switch (order.do) {
    case 'track':
      indexOf = new Map(order.ids.map((id, index) => [id, index]));
      epoch = order.epoch;
      recent = [];
      for (const member of members) member.revisions = new Int32Array(indexOf.size);
      return true;
    case 'open': {
      const some = order.seats.map((seat): Member => ({
        seat,
        client: null,
        token: seat.token,
        revisions: new Int32Array(indexOf.size),
        isLive: false,
        hasStalled: false
      }));
      members.push(...some);
      return openAll(some, order.withinMs);
    }
    case 'return':
      return openAll(
        members.filter(({ client }) => client === null),
        order.withinMs
      );
    case 'drop':
      for (const member of members) {
        const { client } = member;
        [member.client, member.isLive] = [null, false];
        client?.close();
      }
      return true;
    case 'stall':
    case 'resume':
      for (const member of members.slice(order.from, order.from + order.count)) {
        member.hasStalled = true;
        if (order.do === 'stall') member.client?.stall();
        else member.client?.resume();
      }
      return true;
    case 'begin':
      latencies = new Map();
      [messages, rows, bytes] = [0, 0, 0];
      isMeasuring = true;
      [cpuAt, at] = [process.cpuUsage(), performance.now()];
      loop.reset();
      return true;
    case 'report':
      return report();
    case 'compare':
      return members
        .slice(order.from)
        .filter(({ isLive, revisions }) => isLive && order.revisions.every((wanted, n) => revisions[n]! >= wanted))
        .length;
    case 'close':
      for (const { client } of members.splice(0)) client?.close();
      return true;
  }
}

process.on('disconnect', () => process.exit());
process.on('message', (order: CrowdOrder) => {
  void obey(order).then(
    (answer) => process.send!(answer as object),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    }
  );
});
