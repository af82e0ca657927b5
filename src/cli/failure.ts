/** The sentence for whatever went wrong in a command; a stack only for what is a bug. */
import pg from 'pg';
import { AdministrationError } from '../lib/server/access/administration.ts';
import { StartupError } from '../lib/server/startup-error.ts';

/** SQLSTATEs that mean that the schema is not there. */
const NO_SCHEMA = ['42P01', '3F000', '22023'];

export function explainFailure(error: unknown): string {
  if (error instanceof AdministrationError || error instanceof StartupError) return error.message;
  if (error instanceof pg.DatabaseError) {
    if (NO_SCHEMA.includes(error.code ?? '') && /relation|schema|role/.test(error.message)) {
      return `${sentence(error.message)} If Watchfloor never started on this database, run: npm run watchfloor -- migrate`;
    }
    return [sentence(error.message), error.detail, error.hint].filter(Boolean).join('\n');
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
