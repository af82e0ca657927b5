/** How many rows the list and its tabs have now: the address of the page is the question. */
import type { ListCounts } from '#lib/operations/pages.ts';

export async function readCounts(): Promise<ListCounts> {
  const answer = await fetch(`${location.pathname}/counts${location.search}`);
  if (!answer.ok) throw new Error(`The counts could not be read: ${answer.status}`);
  return (await answer.json()) as ListCounts;
}
