/**
 * Reads a live page's data again without ever taking the page away. SvelteKit answers a failed load with its error page, or
 * with a reload into the browser's own; a list that is merely waiting for a restarting database must not end there. So the
 * load is run only when the server says that it is ready; until then this rejects, and the feed asks again by itself.
 */
import { invalidate } from '$app/navigation';
import { navigating } from '$app/state';

/**
 * `dependency` is what the load declared with `depends`. Rejects when the server is not there or not ready, and while
 * another page is on its way.
 */
export async function readAgain(dependency: `watchfloor:${string}`): Promise<void> {
  const answer = await fetch('/readyz', { cache: 'no-store' });
  if (!answer.ok) throw new Error(`The server is not ready (${answer.status}).`);
  // SvelteKit lets an invalidation win over a navigation under way: a click would be lost, and Back would leave the new
  // address over the old page.
  if (navigating.to !== null) throw new Error('Another page is on its way.');
  await invalidate(dependency);
}
