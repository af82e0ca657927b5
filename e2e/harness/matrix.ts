/**
 * The table behind "nothing tells": who asks (principals), and every id that is absent, foreign, narrowed away, deleted or
 * malformed to them. routes.ts has the routes and channels; tests are generated from both.
 * Invariant: what is hidden from a principal is listed as hidden, so every address made of it must answer as one.
 */
import { insertOperation, makePerson, makeSession, type World } from '../../tests/harness/world.ts';
import { makeDisplay, type TestDisplay } from '../../tests/harness/displays.ts';
import { addMember } from './people.ts';
import { reportEnd } from './reports.ts';

/** An id as it stands in an address, and what it is to whoever asks. */
export interface Id {
  what: string;
  id: number | string;
  /** asked for in every way there is */
  isCore: boolean;
}
const of = (what: string, id: number | string, isCore = false): Id => ({ what, id, isCore });
const core = (what: string, id: number): Id => of(what, id, true);

export const ABSENT = 987_654_321;
const NEVER = [core('that never was', ABSENT), of('that cannot be yet', Number.MAX_SAFE_INTEGER)];
/** What is no id, in every spelling that some layer might take for one; `%2F` and the like as they are sent. */
export const malformed = (own: number): Id[] =>
  [
    '0',
    '-1',
    '+1',
    '1e3',
    '1.0',
    'abc',
    'null',
    '0x1',
    `0${own}`,
    `${own}.0`,
    `%20${own}`,
    `${own}%20`,
    `${own}%09`,
    `${own}%00`,
    `${own}%0d%0aset-cookie:told=1`,
    `${own};a=1`,
    `${own}%2F..%2F${own}`,
    `${own}%252F`,
    `${own}'--`,
    '%D9%A3',
    '%EF%BC%91',
    '%F0%9F%98%80',
    '9007199254740993',
    '99999999999999999999',
    '9'.repeat(400)
  ].map((id) => of(`malformed (${id.slice(0, 24)})`, id));

export interface Resources {
  a1Operation: number;
  a2Operation: number;
  b1Operation: number;
  deletedOperation: number;
  deletedWorkspace: number;
  deletedEnvironment: number;
  /** of all of A, of a1 alone, of a2 alone, of B, and one that is removed */
  displays: { a: TestDisplay; a1: TestDisplay; a2: TestDisplay; b: TestDisplay; removed: TestDisplay };
}

export async function makeResources(world: World): Promise<Resources> {
  const { owner, writer, a, b, a1, a2, b1 } = world;
  const one = async (sql: string, values: unknown[]): Promise<number> =>
    (await owner.query<{ id: number }>(sql, values)).rows[0]!.id;
  const deletedWorkspace = await one(`insert into workspaces (name) values ('Closed') returning id`, []);
  const deletedEnvironment = await one(
    `insert into managed_environments (workspace_id, name) values ($1, 'gone') returning id`,
    [a]
  );
  const deletedOperation = await insertOperation(writer, a, a1);
  await owner.query('delete from operation_runs where id = $1', [deletedOperation]);
  await owner.query('delete from managed_environments where id = $1', [deletedEnvironment]);
  await owner.query('delete from workspaces where id = $1', [deletedWorkspace]);
  const displays = {
    a: await makeDisplay(owner, a),
    a1: await makeDisplay(owner, a, [a1]),
    a2: await makeDisplay(owner, a, [a2]),
    b: await makeDisplay(owner, b),
    removed: await makeDisplay(owner, a)
  };
  await owner.query('update displays set revoked_at = now() where id = $1', [displays.removed.id]);
  return {
    a1Operation: await reportEnd(world, a1, 'failed'),
    a2Operation: await reportEnd(world, a2, 'failed'),
    b1Operation: await insertOperation(writer, b, b1),
    deletedOperation,
    deletedWorkspace,
    deletedEnvironment,
    displays
  };
}

/** One workspace that a principal is a member of, with what they see of it and what they do not. */
export interface Place {
  workspace: number;
  environments: { seen: number[]; hidden: Id[] };
  operations: { seen: number[]; hidden: Id[] };
  displays: { seen: number[]; hidden: Id[] };
}

export interface Principal {
  name: (typeof PRINCIPALS)[number];
  /** null = not signed in; the headers of a session that counts, or of one that does not (any more) */
  cookie: () => Promise<string | null>;
  isSignedIn: boolean;
  /** asks the hub as a display: `trusted`, or one whose trust ended; pages know no person in it */
  display?: 'trusted' | 'removed';
  /** all channels; the first of each kind; those, and of each kind of hidden thing only the most telling */
  depth: 'all' | 'some' | 'few';
  places: Place[];
  hiddenWorkspaces: Id[];
  /** what the role allows: actions of the detail page, pages that need a capability */
  may: string[];
}

/** Who asks; tests are generated from the names before anybody is made. */
export const PRINCIPALS = [
  'a member who is narrowed to one environment',
  'a member of another workspace',
  'readonly',
  'support',
  'a person without any workspace',
  'a member who was removed',
  'nobody',
  'a made-up session',
  'an expired session',
  'a disabled person',
  'a display that is narrowed to one environment',
  'a display that was removed'
] as const;

export async function makePrincipals(world: World, made: Resources): Promise<Principal[]> {
  const { a, b, a1, a2, a3, b1, owner } = world;
  const { displays: shown } = made;
  const goneDisplays = [...NEVER, core('that was removed', shown.removed.id)];
  const absentOperations = [...NEVER, of('that was deleted', made.deletedOperation)];
  const absentEnvironments = [...NEVER, of('that was deleted', made.deletedEnvironment)];
  const absentWorkspaces = [...NEVER, of('that was deleted', made.deletedWorkspace)];
  const wholeA: Place = {
    workspace: a,
    environments: { seen: [a1, a2, a3], hidden: [...absentEnvironments, core('of another workspace', b1)] },
    operations: {
      seen: [made.a1Operation, made.a2Operation],
      hidden: [...absentOperations, core('of another workspace', made.b1Operation)]
    },
    displays: {
      seen: [shown.a.id, shown.a1.id, shown.a2.id],
      hidden: [...goneDisplays, core('of another workspace', shown.b.id)]
    }
  };
  const narrowedA: Place = {
    workspace: a,
    environments: {
      seen: [a1],
      hidden: [...wholeA.environments.hidden, core('narrowed away', a2), of('also narrowed away', a3)]
    },
    operations: {
      seen: [made.a1Operation],
      hidden: [...wholeA.operations.hidden, core('narrowed away', made.a2Operation)]
    },
    displays: {
      seen: [shown.a1.id],
      hidden: [
        ...wholeA.displays.hidden,
        core('narrowed away', shown.a2.id),
        core('of the whole workspace', shown.a.id)
      ]
    }
  };
  const wholeB: Place = {
    workspace: b,
    environments: { seen: [b1], hidden: [...absentEnvironments, core('of another workspace', a1)] },
    operations: {
      seen: [made.b1Operation],
      hidden: [...absentOperations, core('of another workspace', made.a1Operation)]
    },
    displays: { seen: [shown.b.id], hidden: [...goneDisplays, core('of another workspace', shown.a.id)] }
  };
  const few = { isSignedIn: true, depth: 'few' } as const;
  const [foreignA, foreignB] = [core('of others', a), core('of others', b)];
  const member = async (name: 'readonly' | 'support', may: string[]): Promise<Principal> => {
    const person = await addMember(world, name);
    const hiddenWorkspaces = [...absentWorkspaces, foreignB];
    return { name, cookie: async () => person.cookie, ...few, places: [wholeA], hiddenWorkspaces, may };
  };
  const outsider = await makePerson(owner, 'outsider');
  const former = await addMember(world, 'owner');
  await owner.query('delete from memberships where user_id = $1', [former.id]);
  const [expired, disabled] = [await addMember(world, 'owner'), await addMember(world, 'owner')];
  await owner.query('update users set disabled_at = now() where id = $1', [disabled.id]);
  const everything = [...absentWorkspaces, foreignA, foreignB];
  const nobody: Omit<Principal, 'name' | 'cookie'> = {
    isSignedIn: false,
    depth: 'few',
    places: [wholeA],
    hiddenWorkspaces: everything,
    may: [] as string[]
  };
  return [
    {
      name: 'a member who is narrowed to one environment',
      cookie: async () => world.narrowed.cookie,
      isSignedIn: true,
      depth: 'all',
      places: [narrowedA],
      hiddenWorkspaces: [...absentWorkspaces, foreignB],
      may: ['review', 'undo']
    },
    {
      name: 'a member of another workspace',
      cookie: async () => world.stranger.cookie,
      isSignedIn: true,
      depth: 'some',
      places: [wholeB],
      hiddenWorkspaces: [...absentWorkspaces, foreignA],
      may: ['review', 'undo', 'rejected reports', 'delivery', 'displays']
    },
    await member('readonly', []),
    await member('support', ['diagnostics']),
    {
      name: 'a person without any workspace',
      cookie: async () => outsider.cookie,
      ...few,
      places: [],
      hiddenWorkspaces: everything,
      may: []
    },
    {
      name: 'a member who was removed',
      cookie: async () => former.cookie,
      ...few,
      places: [],
      hiddenWorkspaces: everything,
      may: []
    },
    { ...nobody, name: 'nobody', depth: 'all', cookie: async () => null },
    { ...nobody, name: 'a made-up session', cookie: async () => `watchfloor=${'A'.repeat(43)}` },
    {
      ...nobody,
      name: 'an expired session',
      // The first request that meets it ends it, so each has one of its own.
      cookie: async () => {
        const { cookie, sessionId } = await makeSession(owner, expired.id);
        await owner.query(`update sessions set expires_at = now() - interval '1 minute' where id = $1`, [sessionId]);
        return cookie;
      }
    },
    { ...nobody, name: 'a disabled person', cookie: async () => (await makeSession(owner, disabled.id)).cookie },
    {
      ...nobody,
      name: 'a display that is narrowed to one environment',
      cookie: async () => shown.a1.cookie,
      display: 'trusted',
      places: [narrowedA],
      hiddenWorkspaces: [...absentWorkspaces, foreignB]
    },
    { ...nobody, name: 'a display that was removed', cookie: async () => shown.removed.cookie, display: 'removed' }
  ];
}
