/**
 * The live channels of "nothing tells": the same question asked on a socket and by HTTP catch-up, about every scope that is
 * hidden from a principal. One session may ask sixty times in a row, so there are fewer than that for each channel.
 */
import { io, type Socket } from 'socket.io-client';
import {
  LIVE_PATH,
  PROTOCOL_VERSION,
  type ClientEvents,
  type ServerEvents,
  type Subscribe,
  type SubscribeAnswer
} from '../../src/lib/live/protocol.ts';
import { ABSENT, type Principal } from './matrix.ts';

export interface LiveQuestion {
  what: string;
  /** what is asked of the database may depend on whether there is anything to ask */
  depth: 'workspace' | 'inside' | 'malformed';
  message: Subscribe;
}

/** Scopes that must be absent for this principal, on the socket as over HTTP. */
export function hiddenScopesOf(principal: Principal): LiveQuestion[] {
  const found: LiveQuestion[] = [];
  const [place] = principal.places;
  const add = (
    what: string,
    depth: LiveQuestion['depth'],
    workspaceId: unknown,
    environmentId: unknown,
    window: unknown = { kind: 'numbers' }
  ): void => {
    const message = {
      protocol: PROTOCOL_VERSION,
      scope: { workspaceId, environmentId },
      window,
      summaries: 'scope',
      token: ''
    };
    found.push({ what, depth, message: message as Subscribe });
  };
  for (const { what, id } of principal.hiddenWorkspaces) {
    add(`a workspace ${what}`, 'workspace', id, null);
    add(`a workspace ${what}, and an environment`, 'workspace', id, place?.environments.seen[0] ?? ABSENT, {
      kind: 'list',
      query: ''
    });
  }
  if (place)
    for (const { what, id } of place.environments.hidden) {
      add(`an environment ${what}`, 'inside', place.workspace, id);
      add(`a list of an environment ${what}`, 'inside', place.workspace, id, {
        kind: 'list',
        query: `environment_id=${id}`
      });
    }
  for (const id of [0, -1, 1.5, 2 ** 60, 'x', null, [1], { toString: 1 }]) {
    add(`no id (${JSON.stringify(id)})`, 'malformed', id, null);
    if (place && id !== null) add(`no environment (${JSON.stringify(id)})`, 'malformed', place.workspace, id);
  }
  return found;
}

export type LiveClient = Socket<ServerEvents, ClientEvents>;

/** Connects as this session, or (`query`) as this display; rejects with what the page would be told. */
export async function openLiveClient(
  baseURL: string,
  cookie: string | null,
  query: Record<string, string> = {}
): Promise<LiveClient> {
  const socket: LiveClient = io(baseURL, {
    path: LIVE_PATH,
    query,
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    extraHeaders: { origin: baseURL, ...(cookie && { cookie }) }
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', (error) => {
      socket.disconnect();
      reject(error);
    });
  });
  return socket;
}

export function askLive(socket: LiveClient, message: Subscribe): Promise<SubscribeAnswer> {
  return socket.timeout(20_000).emitWithAck('subscribe', message);
}
