/**
 * What a Postgres of ours writes down of itself: its starts, its stops and what ends it; never a statement, a row or a
 * value. Errors of statements go to whoever sent them, and quote what was sent: a report's context, a search.
 */
export const DISCREET_LOG = {
  // From `log` on: an error's first line quotes values, too ("invalid input syntax for type integer: …").
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  // No DETAIL, CONTEXT or QUERY.
  log_error_verbosity: 'terse',
  log_parameter_max_length_on_error: '0'
} as const;
