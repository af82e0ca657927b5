/**
 * The address of the hub, parsed once: what a list request may say, and the clear refusal of what it may not.
 * Keys that are not ours (also the legacy ones) do nothing.
 */
import { hubQuery } from '../../operations/addresses.ts';
import { parseEdge } from '../../operations/edge-text.ts';
import { CLEAN_FILTER, TABS, type Edge, type ListFilter } from '../../operations/filter.ts';
import { OUTCOMES, STATUSES, type ListPlace } from '../../operations/operation.ts';
import { PAGE_SIZES, type PageSize } from '../../operations/pages.ts';
import { PROBLEM_CLASSES } from '../../operations/problem.ts';
import { parseId } from '../access/scope.ts';
import type { ListRequest } from './first-page.ts';
import { formatCursor, parseCursor } from './keyset.ts';

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

/** Values of one key at most: each may be read by an index of its own. */
const MOST_VALUES = 20;
const LONGEST_VALUE = 120;
const LONGEST_TEXT = 200;

/** Throws MalformedValueError or NoSuchEnvironmentError. `filter.textNormal` is for the database to fill. */
export function parseListRequest(query: URLSearchParams): ListRequest {
  const environment = query.get('environment_id');
  const environmentId = environment === null ? null : parseId(environment);
  if (environment !== null && environmentId === null) throw new NoSuchEnvironmentError();

  const size = query.get('rows');
  const pageSize = size === null ? 25 : PAGE_SIZES.find((known): known is PageSize => String(known) === size);
  if (pageSize === undefined) throw new MalformedValueError('rows', size!, anyOf(PAGE_SIZES.map(String)));

  const cursor = (parameter: 'after' | 'before'): ListPlace | null => {
    const text = query.get(parameter);
    if (text === null) return null;
    const place = parseCursor(text);
    if (place === null)
      throw new MalformedValueError(parameter, text, 'a place in the list, taken from one of its links');
    return place;
  };
  const after = cursor('after');
  const filter = parseFilter(query);
  return { environmentId, filter, pageSize, after, before: after === null ? cursor('before') : null };
}

/** The plainest query that asks for the same list: what differs only in its words is read once for all. */
export function toListQuery({ after, before, ...request }: ListRequest, isFirst: boolean): string {
  // The newest page is the same one, whichever way it was come to, and stays it.
  if (isFirst) return hubQuery(request);
  return hubQuery({ ...request, after: after && formatCursor(after), before: before && formatCursor(before) });
}

function parseFilter(query: URLSearchParams): ListFilter {
  const tab = one(query, 'activeTab', TABS) ?? 'all';
  const from = edge(query, 'from');
  const to = edge(query, 'to');
  if (from !== null && to !== null && 'at' in from && 'at' in to && from.at >= to.at)
    throw new MalformedValueError('to', query.get('to')!, 'later than from');
  const text = query.get('q')?.trim() || null;
  if (text !== null && ([...text].length > LONGEST_TEXT || text.includes('\0')))
    throw new MalformedValueError('q', text, `a text of at most ${LONGEST_TEXT} characters`);
  return {
    ...CLEAN_FILTER,
    tab,
    problemClass: one(query, 'problemClass', PROBLEM_CLASSES),
    types: several(query, 'type'),
    statuses: several(query, 'status', STATUSES),
    outcomes: several(query, 'outcome', OUTCOMES),
    initiators: several(query, 'initiator'),
    from,
    to,
    text
  };
}

function one<T extends string>(query: URLSearchParams, parameter: string, known: readonly T[]): T | null {
  // An empty value is what a form sends for "any".
  const value = query.get(parameter) || null;
  if (value === null) return null;
  if (!isOneOf(known, value)) throw new MalformedValueError(parameter, value, anyOf(known));
  return value;
}

function several<T extends string = string>(query: URLSearchParams, parameter: string, known?: readonly T[]): T[] {
  const values = [...new Set(query.getAll(parameter).filter((value) => value !== ''))];
  if (values.length > MOST_VALUES)
    throw new MalformedValueError(parameter, values.join(', '), `given at most ${MOST_VALUES} times`);
  for (const value of values) {
    if (known && !isOneOf(known, value)) throw new MalformedValueError(parameter, value, anyOf(known));
    // As the database counts: characters, not the halves that JavaScript stores some of them in.
    if ([...value].length > LONGEST_VALUE || value.includes('\0'))
      throw new MalformedValueError(parameter, value, `a text of at most ${LONGEST_VALUE} characters`);
  }
  return values as T[];
}

function edge(query: URLSearchParams, parameter: 'from' | 'to'): Edge | null {
  const text = query.get(parameter) || null;
  if (text === null) return null;
  const parsed = parseEdge(text);
  if (parsed === null)
    throw new MalformedValueError(parameter, text, 'so long ago (24h, 7d) or a time in UTC (2026-11-20T08:00Z)');
  return parsed;
}

function isOneOf<T extends string>(known: readonly T[], value: string): value is T {
  return (known as readonly string[]).includes(value);
}

function anyOf(values: readonly string[]): string {
  return values.join(', ').replace(/, (\S+)$/, ' or $1');
}
