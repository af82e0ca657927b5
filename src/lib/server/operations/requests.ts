/**
 * The address of the hub, parsed once: what a list request may say, and the clear refusal of what it may not.
 * Keys that are not ours (also the legacy ones) do nothing.
 */
import { PAGE_SIZES, type PageSize } from '../../operations/pages.ts';
import { parseId } from '../access/scope.ts';
import { parseCursor } from './keyset.ts';
import type { ListRequest } from './first-page.ts';

/** A value in the address that cannot be read; the page names it and links to the clean view. */
export class MalformedValueError extends Error {
  override name = 'MalformedValueError';
  readonly parameter: string;
  readonly value: string;
  constructor(parameter: string, value: string, wanted: string) {
    super(`The value of ${parameter} in the address must be ${wanted}.`);
    this.parameter = parameter;
    // Shown in the page: bounded, whatever was sent.
    this.value = value.slice(0, 100);
  }
}

/** An environment_id that is no id: answered like one that does not exist. */
export class NoSuchEnvironmentError extends Error {
  override name = 'NoSuchEnvironmentError';
}

/** Throws MalformedValueError or NoSuchEnvironmentError. */
export function parseListRequest(query: URLSearchParams): ListRequest {
  const environment = query.get('environment_id');
  const environmentId = environment === null ? null : parseId(environment);
  if (environment !== null && environmentId === null) throw new NoSuchEnvironmentError();

  const size = query.get('rows');
  const pageSize = size === null ? 25 : PAGE_SIZES.find((known): known is PageSize => String(known) === size);
  if (pageSize === undefined)
    throw new MalformedValueError('rows', size!, PAGE_SIZES.join(', ').replace(/, (\d+)$/, ' or $1'));

  const cursor = (parameter: 'after' | 'before'): ListRequest['after'] => {
    const text = query.get(parameter);
    if (text === null) return null;
    const keyset = parseCursor(text);
    if (keyset === null)
      throw new MalformedValueError(parameter, text, 'a place in the list, taken from one of its links');
    return keyset;
  };
  const after = cursor('after');
  return { environmentId, pageSize, after, before: after === null ? cursor('before') : null };
}
