/**
 * The SvelteKit half's door: pools opened once, who asks put into `locals`, nobody under /admin without a session,
 * security headers on what is answered, and errors that tell a sentence and an id, never an internal. What is decided
 * here is decided by pure files in lib/server; this file only joins them to SvelteKit. No side effects at the top: the
 * build runs it too.
 */
import { randomBytes } from 'node:crypto';
import {
  error,
  redirect,
  type Handle,
  type HandleServerError,
  type RequestEvent,
  type ServerInit
} from '@sveltejs/kit';
import { toLoginPath } from '#lib/server/access/return-path.ts';
import { openLog, type Log } from '#lib/server/log.ts';
import { applyPageHeaders } from '#lib/server/web/headers.ts';
import { openWeb, type Web } from '#lib/server/web/open-web.ts';
import {
  parseTheme,
  parseTimeZone,
  THEME_COOKIE,
  TIME_ZONE_COOKIE,
  ZONE_CHOICE_COOKIE
} from '#lib/server/web/preferences.ts';
import { isOfDisplays, needsPerson } from '#lib/server/web/public-routes.ts';

/** A screen that was switched on before the database was there. */
const WALL_RETRY_SECONDS = 15;
const NOBODY = { session: null, person: null, setCookie: null };

let web: Web;
let log: Log;

export const init: ServerInit = () => {
  log = openLog('web');
  web = openWeb(process.env, log);
  // adapter-node's own event; the composition root emits it when it stops. In development, where an edit runs this
  // again, idle connections of the former pools close by themselves.
  process.once('sveltekit:shutdown', () => void web.close());
};

export const handle: Handle = async ({ event, resolve }) => {
  const { cookies, locals, request, route, url } = event;
  locals.database = web.database;
  locals.access = web.access;
  locals.requestId = newId();
  // Empty where a proxy hides it (http-front.ts sets the header that this reads).
  locals.address = event.getClientAddress() || null;
  locals.denied = (denial) => tellDenied(event, denial);
  locals.accessed = (what, of) => tellAccess(event, what, of);
  locals.theme = parseTheme(cookies.get(THEME_COOKIE));
  const chosenZone = cookies.get(ZONE_CHOICE_COOKIE);
  locals.isZoneChosen = chosenZone !== undefined && parseTimeZone(chosenZone) === chosenZone;
  locals.timeZone = parseTimeZone(locals.isZoneChosen ? chosenZone : cookies.get(TIME_ZONE_COOKIE));

  // A wall is no person, whoever is signed in beside it; and it must be answered in its own words when the database is away.
  const isWall = isOfDisplays(route.id);
  const { session, person, setCookie } = await (
    isWall ? Promise.resolve(NOBODY) : web.access.sessions.check(request.headers.get('cookie'))
  ).catch((cause: unknown) => {
    const id = locals.requestId;
    log.error({ id, err: cause }, 'cannot read who is signed in');
    // The page of last resort (src/error.html) knows the message only, so the id is in it.
    error(503, {
      message: `Watchfloor cannot reach its database (error ${id}).`,
      hint: 'Load the page again in a moment.',
      id
    });
  });
  locals.session = session;
  locals.person = person;
  // A form that is sent twice: the first has ended this session and made another, and this answer, which may come last, must
  // not take that from the browser. The next page clears a cookie that counts no more.
  if (setCookie && (session || request.method === 'GET'))
    cookies.set(setCookie.name, setCookie.value, setCookie.options);

  if (!person && needsPerson(route.id, url.pathname)) {
    locals.denied({ door: 'page', why: 'signed out', path: url.pathname });
    // What was to be posted is lost with the session; the page it was on is not.
    redirect(303, toLoginPath(request.method === 'GET' ? url.pathname + url.search : url.pathname));
  }

  const response = await resolve(event, {
    transformPageChunk: ({ html }) => html.replace('%watchfloor.theme%', locals.theme)
  });
  applyPageHeaders(response.headers);
  // Nobody stands by to load it again.
  if (isWall && response.status >= 500) response.headers.set('refresh', String(WALL_RETRY_SECONDS));
  return response;
};

/** Only what nobody expected comes here (loads' own `error(404)` do not), and routes that do not exist. */
export const handleError: HandleServerError = ({ error: cause, event, status, message }) => {
  // No id, no path: one "not found" is like any other.
  if (status < 500) return { message };
  const id = event.locals.requestId ?? newId();
  log.error({ id, method: event.request.method, route: event.route.id, err: cause }, 'a request failed');
  return {
    message: `Watchfloor failed to answer (error ${id}).`,
    hint: 'Operations do not depend on it. Try again.',
    id
  };
};

function tellDenied({ locals }: RequestEvent, denial: Parameters<App.Locals['denied']>[0]): void {
  const { person, session, address, requestId } = locals;
  web.denials.denied({ personId: person?.id ?? null, ...denial, sessionId: session?.id ?? null, address, requestId });
}

/** Who, from where, with which session: the same names of things as a line of a refusal, and nothing secret. */
function tellAccess(
  { locals: { person, session, address, requestId } }: RequestEvent,
  ...[what, of]: Parameters<App.Locals['accessed']>
): void {
  const sessionId = of?.sessionId ?? session?.id;
  log.info(
    {
      person: of?.personId ?? person?.id,
      session: sessionId?.slice(0, 12),
      address: address ?? undefined,
      request: requestId
    },
    what
  );
}

function newId(): string {
  return randomBytes(6).toString('hex');
}
