/**
 * An error of our own as a failure that administrators may read: a code and one sentence, without addresses, passwords,
 * paths or stacks. Pure. The database cleans and cuts it once more.
 */

export interface Failure {
  code: string;
  message: string;
}

const LONGEST_MESSAGE = 300;

/** The code is a SQLSTATE, a code of Node, or the error's name. */
export function toFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'unknown', message: 'It failed without a reason' };
  const code = (error as Error & { code?: unknown }).code;
  const [firstLine = ''] = error.message.split('\n');
  const message = firstLine
    // Addresses first: they may hold a password, and their tail looks like a path.
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '(address)')
    .replace(/(?:file:)?(?:\b[a-z]:)?(?:[\\/][\w.@~+-]+){2,}[\\/]?/gi, '(path)')
    .trim()
    .slice(0, LONGEST_MESSAGE);
  return {
    code: typeof code === 'string' && code !== '' ? code : error.name,
    message: message || 'It failed without a reason'
  };
}
