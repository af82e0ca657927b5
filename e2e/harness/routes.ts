/**
 * The other half of the table behind "nothing tells" (matrix.ts has who asks, and which ids are hidden from them): every
 * route, form and method there is, the addresses that hidden ids make at it, and the channels by which each is asked for.
 * A route, form or method that is not in it is found by `findUnknown`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Question } from './ask.ts';
import { PROJECT } from './instance.ts';
import { ABSENT, malformed, type Place, type Principal } from './matrix.ts';

/** One address, and how far into the workspace it leads: what is asked of the database may depend on that alone. */
export interface Address {
  what: string;
  path: string;
  depth: 'workspace' | 'inside';
  isCore: boolean;
}

export interface Route {
  /** a page, or an endpoint; `open`: needs nobody signed in, `own`: shows what is one's own and takes no id */
  kind: 'page' | 'endpoint' | 'open' | 'own';
  actions?: string[];
  methods?: string[];
  /** what of the workspace the address names beside it */
  inside?: 'environment' | 'operation' | 'display';
  path?: (workspace: number | string, inside: number | string | null) => string;
  /** what a principal must be allowed to see it at all; others are told 403, but only in their own workspace */
  needs?: string;
  /** other queries of the same address, which must make no difference where it is hidden */
  queries?: string[];
}

/** A cursor that points at a row, as keyset.ts writes it. */
export const cursorAt = (at: number, id: number): string => Buffer.from(`${at}.${id}`).toString('base64url');

const hub = (rest: string) => (workspace: number | string, environment: number | string | null) =>
  `/admin/workspaces/${workspace}/operations${rest}${environment === null ? '' : `?environment_id=${environment}`}`;

/** Every route there is. A new one belongs here before it can be merged. */
export const ROUTES: Record<string, Route> = {
  '/': { kind: 'open' },
  '/login': { kind: 'open', actions: ['default'] },
  '/login/oidc': { kind: 'open' },
  '/login/oidc/callback': { kind: 'open' },
  '/login/passkey': { kind: 'open', methods: ['POST'] },
  '/login/second': { kind: 'open', actions: ['default'] },
  '/login/smoke': { kind: 'open', actions: ['default'] },
  '/logout': { kind: 'open', methods: ['POST', 'GET'] },
  '/account': { kind: 'own', actions: ['password', 'end', 'endOthers', 'looks'] },
  '/account/authenticator': { kind: 'own', actions: ['begin', 'confirm', 'turnOff'] },
  '/account/passkeys': { kind: 'own', actions: ['begin', 'create', 'rename', 'remove'] },
  '/admin': { kind: 'own' },
  '/admin/connection': {
    kind: 'page',
    path: (workspace) => `/admin/connection?workspace=${workspace}`,
    queries: ['utm=1']
  },
  '/admin/connection/node': { kind: 'own', methods: ['GET'] },
  '/admin/workspaces/[workspace]': {
    kind: 'page',
    path: (workspace) => `/admin/workspaces/${workspace}`,
    queries: ['order=name', 'order=worst&utm=1']
  },
  '/admin/workspaces/[workspace]/rejected': {
    kind: 'page',
    needs: 'rejected reports',
    path: (workspace) => `/admin/workspaces/${workspace}/rejected`,
    queries: [`after=${cursorAt(1_790_000_000_000, 1)}`, 'before=none']
  },
  '/admin/workspaces/[workspace]/delivery': {
    kind: 'page',
    needs: 'delivery',
    path: (workspace) => `/admin/workspaces/${workspace}/delivery`,
    queries: ['order=name']
  },
  '/pair': { kind: 'own' },
  '/wall': { kind: 'open' },
  '/wall/data': { kind: 'open', methods: ['GET'] },
  '/wall/pairing': { kind: 'open', methods: ['POST'] },
  '/wall/pairing/poll': { kind: 'open', methods: ['POST'] },
  '/wall/presence': { kind: 'open', methods: ['POST'] },
  '/admin/workspaces/[workspace]/displays': {
    kind: 'page',
    actions: ['approve'],
    needs: 'displays',
    path: (workspace) => `/admin/workspaces/${workspace}/displays`,
    queries: ['code=BCDF-GHJK', 'code=none']
  },
  '/admin/workspaces/[workspace]/displays/[display]': {
    kind: 'page',
    actions: ['change', 'identify', 'reload', 'note', 'endNote', 'revoke'],
    inside: 'display',
    needs: 'displays',
    path: (workspace, display) => `/admin/workspaces/${workspace}/displays/${display}`
  },
  '/admin/workspaces/[workspace]/operations': {
    kind: 'page',
    inside: 'environment',
    path: hub(''),
    queries: [
      'activeTab=failed',
      `after=${cursorAt(1_790_000_000_000, 1)}`,
      `before=${cursorAt(1_790_000_000_000, 1)}&rows=50`,
      'type=secret.type&initiator=Somebody&q=secret&from=7d'
    ]
  },
  '/admin/workspaces/[workspace]/operations/counts': {
    kind: 'endpoint',
    methods: ['GET'],
    inside: 'environment',
    path: hub('/counts'),
    queries: ['activeTab=failed&q=secret']
  },
  '/admin/workspaces/[workspace]/operations/[operation]': {
    kind: 'page',
    actions: ['review', 'undo', 'diagnostics'],
    inside: 'operation',
    path: (workspace, operation) => `/admin/workspaces/${workspace}/operations/${operation}`
  }
};

/** Addresses of a route that must all answer as one for this principal, and those that must not. */
export function addressesOf(route: Route, principal: Principal): { hidden: Address[]; seen: Address[] } {
  const hidden: Address[] = [];
  const seen: Address[] = [];
  if (!route.path) return { hidden, seen };
  const insideOf = (place: Place | undefined) => place && route.inside && place[`${route.inside}s`];
  // An operation or display needs an id; an own one under a foreign workspace is as good as any.
  const needsId = route.inside === 'operation' || route.inside === 'display';
  const inner = needsId ? (insideOf(principal.places[0])?.seen[0] ?? ABSENT) : null;
  for (const { what, id, isCore } of principal.hiddenWorkspaces) {
    hidden.push({ what: `a workspace ${what}`, path: route.path(id, inner), depth: 'workspace', isCore });
    if (route.inside)
      hidden.push({
        what: `${what}, with an id in it`,
        path: route.path(id, ABSENT),
        depth: 'workspace',
        isCore: false
      });
  }
  for (const place of principal.places) {
    const inside = insideOf(place);
    if (!needsId) seen.push({ what: 'own', path: route.path(place.workspace, null), depth: 'workspace', isCore: true });
    for (const id of inside?.seen ?? [])
      seen.push({ what: 'own', path: route.path(place.workspace, id), depth: 'inside', isCore: true });
    for (const { what, id, isCore } of inside?.hidden ?? [])
      hidden.push({
        what: `an ${route.inside} ${what}`,
        path: route.path(place.workspace, id),
        depth: 'inside',
        isCore
      });
  }
  // The last of each depth exists, and is somebody else's.
  for (const depth of ['workspace', 'inside'] as const) {
    const last = hidden.findLast((address) => address.depth === depth && address.isCore);
    for (const query of last ? (route.queries ?? []) : [])
      hidden.push({ ...last!, what: `${last!.what}, ${query}`, path: withQuery(last!.path, query), isCore: false });
  }
  return { hidden, seen };
}

export function malformedAddressesOf(route: Route, place: Place): Address[] {
  if (!route.path) return [];
  const inner = route.inside === 'operation' || route.inside === 'display' ? place[`${route.inside}s`].seen[0]! : null;
  const found = malformed(place.workspace).map(({ what, id }) => ({ what, path: route.path!(id, inner) }));
  if (route.inside)
    for (const { what, id } of malformed(place[`${route.inside}s`].seen[0]!))
      found.push({ what: `${route.inside} ${what}`, path: route.path(place.workspace, id) });
  if (route.inside === 'environment') {
    const [own, other] = [place.environments.seen[0]!, place.environments.hidden[0]!.id];
    found.push({ what: 'no environment at all', path: route.path(place.workspace, '') });
    found.push({ what: 'two environments', path: route.path(place.workspace, `${other}&environment_id=${own}`) });
  }
  // The first of two is an id, and is asked for.
  return found.map((address) => ({
    ...address,
    depth: address.what === 'two environments' ? 'inside' : 'workspace',
    isCore: false
  }));
}

/** How an address is asked for. `isFirst`: the plainest of its kind. */
export interface Channel {
  name: string;
  isFirst?: boolean;
  ask: (path: string) => Question;
}

const split = (path: string): [string, string] => {
  const [pathname = '', query = ''] = path.split('?', 2);
  return [pathname, query];
};
const withQuery = (path: string, more: string): string => `${path}${path.includes('?') ? '&' : '?'}${more}`;
const toDataPath = (path: string, invalidated: string): string => {
  const [pathname, query] = split(path);
  return `${pathname}/__data.json?${[query, invalidated].filter(Boolean).join('&')}`;
};
const html = { accept: 'text/html' };

/** A page with more forms than this is asked in every odd way by its first one alone. */
const MOST_FORMS_IN_FULL = 3;

export function channelsOf(route: Route, origin: string): Channel[] {
  const channels: Channel[] = [
    { name: 'GET', isFirst: true, ask: (path) => ({ path, headers: html }) },
    { name: 'HEAD', isFirst: true, ask: (path) => ({ method: 'HEAD', path, headers: html }) },
    { name: 'data', isFirst: true, ask: (path) => ({ path: toDataPath(path, 'x-sveltekit-invalidated=011') }) },
    { name: 'data without layouts', ask: (path) => ({ path: toDataPath(path, 'x-sveltekit-invalidated=001') }) },
    { name: 'all data', ask: (path) => ({ path: toDataPath(path, '') }) },
    { name: 'GET as JSON', ask: (path) => ({ path, headers: { accept: 'application/json' } }) },
    { name: 'GET if it changed', ask: (path) => ({ path, headers: { ...html, 'if-none-match': '*' } }) },
    {
      name: 'GET if it changed since',
      ask: (path) => ({ path, headers: { ...html, 'if-modified-since': 'Mon, 23 Nov 2026 00:00:00 GMT' } })
    },
    { name: 'GET a part', ask: (path) => ({ path, headers: { ...html, range: 'bytes=0-9' } }) },
    { name: 'GET as a prefetch', ask: (path) => ({ path, headers: { ...html, purpose: 'prefetch' } }) },
    {
      name: 'GET with a slash at the end',
      ask: (path) => ({ path: split(path).join('/?').replace(/\?$/, ''), headers: html })
    },
    {
      name: 'data with a slash at the end',
      ask: (path) => ({ path: toDataPath(path, 'x-sveltekit-trailing-slash=1&x-sveltekit-invalidated=011') })
    },
    { name: 'GET in another spelling', ask: (path) => ({ path: path.replace('/admin', '/%61dmin'), headers: html }) },
    { name: 'the route', ask: (path) => ({ path: `${split(path)[0]}/__route.js` }) },
    ...['OPTIONS', 'PUT', 'PATCH', 'DELETE', 'TRACE'].map((method): Channel => ({
      name: method,
      ask: (path) => ({ method, path, headers: { origin } })
    }))
  ];
  const form = (name: string, action: string, headers: Record<string, string> = {}, isFirst = false): Channel => ({
    name: `POST ${name}`,
    isFirst,
    ask: (path) => ({
      method: 'POST',
      path: action ? withQuery(path, `/${action}`) : path,
      headers: { origin, 'content-type': 'application/x-www-form-urlencoded', ...html, ...headers },
      body: 'any=1'
    })
  });
  const json = { accept: 'application/json', 'x-sveltekit-action': 'true' };
  for (const action of route.actions ?? []) {
    channels.push(form(action, action, {}, true), form(`${action} by scripts`, action, json, true));
    // Of many forms of one page the others are let in by the same door.
    if (route.actions!.length > MOST_FORMS_IN_FULL && action !== route.actions![0]) continue;
    channels.push(form(`${action} from a foreign page`, action, { origin: 'http://evil.test' }));
    channels.push(form(`${action} as JSON`, action, { 'content-type': 'application/json' }));
    channels.push(form(`${action} as text`, action, { 'content-type': 'text/plain' }));
    channels.push(form(`${action} in parts`, action, { 'content-type': 'multipart/form-data; boundary=any' }));
  }
  channels.push(form('nothing', ''), form('what is none', 'none'), form('what is none by scripts', 'none', json));
  return channels;
}

/** Routes, forms and methods in the sources that the table does not know, and those it knows and that are gone. */
export function findUnknown(): string[] {
  const root = join(PROJECT, 'src', 'routes');
  const found = new Map<string, { actions: string[]; methods: string[] }>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!/^\+(page|server)\b/.test(entry.name)) continue;
    const id = `/${entry.parentPath.slice(root.length + 1)}`.replace(/\/\([^)]+\)/g, '') || '/';
    const known = found.get(id) ?? { actions: [], methods: [] };
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    const block = /export const actions[^{]*\{\n([\s\S]*?)\n\}/.exec(text)?.[1] ?? '';
    for (const [, name] of block.matchAll(/^ {2}(?:async )?(\w+)[:(]/gm)) known.actions.push(name!);
    if (entry.name.startsWith('+server'))
      for (const [, name] of text.matchAll(/^export (?:const|(?:async )?function) ([A-Z]+|fallback)\b/gm))
        known.methods.push(name!);
    found.set(id, known);
  }
  const say = (id: string, { actions = [], methods = [] }: { actions?: string[]; methods?: string[] }): string =>
    `${id} [${[...actions].sort().join()}] [${[...methods].sort().join()}]`;
  const known = Object.entries(ROUTES).map(([id, route]) => say(id, route));
  const real = [...found].map(([id, route]) => say(id, route));
  return [
    ...real.filter((line) => !known.includes(line)).map((line) => `not in the table: ${line}`),
    ...known.filter((line) => !real.includes(line)).map((line) => `only in the table: ${line}`)
  ];
}
