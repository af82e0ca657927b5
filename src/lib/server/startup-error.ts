/**
 * A reason not to start that a person can act on: its message is one or more whole sentences that say what is wrong and
 * what to do. Doors (server.ts, the CLI) print the message alone and exit with 1; anything else that is thrown while
 * starting is a bug and is shown with its stack.
 */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}
