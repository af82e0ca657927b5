/** The address of a list as its load and its counts read it: parsed, or the answer that the product has for what cannot be. */
import { error } from '@sveltejs/kit';
import { parseId } from '#lib/server/access/scope.ts';
import type { ListRequest } from '#lib/server/operations/first-page.ts';
import { MalformedValueError, NoSuchEnvironmentError, parseListRequest } from '#lib/server/operations/requests.ts';

/** null = answer 404, as for what does not exist. Throws SvelteKit's 400 for a value that cannot be read. */
export function readRequest(address: URL, cleanUrl: string): ListRequest | null {
  try {
    return parseListRequest(address.searchParams);
  } catch (cause) {
    if (cause instanceof NoSuchEnvironmentError) return null;
    if (!(cause instanceof MalformedValueError)) throw cause;
    error(400, { message: cause.message, name: cause.parameter, value: cause.value, cleanUrl });
  }
}

/** What a list's address asks for, as the log of refusals names it: an id, or the text that is none. */
export function toAsked(params: { workspace: string }, address: URL) {
  const environment = address.searchParams.get('environment_id');
  return {
    workspaceId: parseId(params.workspace) ?? params.workspace,
    environmentId: environment === null ? null : (parseId(environment) ?? environment)
  };
}
