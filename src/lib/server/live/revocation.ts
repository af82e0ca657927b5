/**
 * Ends what a change of access ends: the sockets of sessions and displays that are over, and what people and displays were
 * watching that may see something else now. It decides nothing: the feed says whose access changed, the database which sessions live.
 */
import type { Logger } from 'pino';
import type { Queryable } from '../database/pool.ts';
import type { Broadcast, LiveSocket } from './broadcast.ts';
import { sessionKey, type FeedDifference } from './differences.ts';

export interface RevocationOptions {
  db: Queryable;
  broadcast: Pick<Broadcast, 'sockets' | 'leaveAll' | 'revoke'>;
  log: Pick<Logger, 'warn'>;
}

export interface Revocation {
  /** Of one pass, before its rows. */
  handleAccess(difference: Pick<FeedDifference, 'access' | 'sessions'>): void;
  /** Looks for sessions and displays that ended without the log saying so. */
  checkSessionsSoon(): void;
}

/** Displays are the negative of their ids, and have no session. */
const isPersons = ({ data }: LiveSocket): boolean => data.userId > 0;

export function openRevocation({ db, broadcast, log }: RevocationOptions): Revocation {
  const endSocket = (socket: LiveSocket): void => {
    broadcast.leaveAll(socket);
    socket.emit('session:ended', {});
    socket.disconnect(true);
  };
  /** Ends the sockets of sessions that ended without the log saying so (by time), or may have (after a crash). */
  const checkSessions = async (): Promise<void> => {
    const sockets = broadcast.sockets();
    if (sockets.length === 0) return;
    const { rows } = await db.query<{ id: string }>(
      `select s.id from public.sessions s join public.users u on u.id = s.user_id and u.disabled_at is null
       where s.id = any ($1) and s.expires_at > now()
       union all
       select 'display ' || d.id from public.displays d where d.id = any ($2) and d.revoked_at is null`,
      [
        [...new Set(sockets.filter(isPersons).map(({ data }) => data.sessionId))],
        [...new Set(sockets.filter((socket) => !isPersons(socket)).map(({ data }) => -data.userId))]
      ]
    );
    const alive = new Set(rows.map(({ id }) => id));
    const nameOf = ({ data }: LiveSocket): string => (data.userId < 0 ? `display ${-data.userId}` : data.sessionId);
    for (const socket of sockets) if (!alive.has(nameOf(socket))) endSocket(socket);
  };
  const checkSessionsSoon = (): void =>
    void checkSessions().catch((error: Error) => {
      // The database is away: nothing is told meanwhile, and every subscription asks for its session itself.
      log.warn({ err: error }, 'sessions could not be checked');
    });

  const handleAccess: Revocation['handleAccess'] = ({ access, sessions: ended }) => {
    if (access.length === 0 && ended.length === 0) return;
    const everywhere = new Set(access.filter(({ workspaceId }) => workspaceId === null).map(({ userId }) => userId));
    const people = new Set(access.map(({ userId }) => userId));
    const touched = new Set(access.map(({ userId, workspaceId }) => `${userId} ${workspaceId}`));
    const endedKeys = new Set(ended);
    for (const socket of broadcast.sockets()) {
      const { userId, sessionId, watching } = socket.data;
      if (endedKeys.has(sessionKey(sessionId))) endSocket(socket);
      // A socket that is just subscribing watches nothing yet: its generation must move, too.
      else if (
        everywhere.has(userId) ||
        (watching ? touched.has(`${userId} ${watching.scope.workspaceId}`) : people.has(userId))
      )
        broadcast.revoke(socket);
    }
    if (everywhere.size > 0) checkSessionsSoon();
  };

  return { handleAccess, checkSessionsSoon };
}
