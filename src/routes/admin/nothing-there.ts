/** The one answer for what does not exist and what this person may not see; the log alone learns what was asked for. */
import { error } from '@sveltejs/kit';

export function nothingThere(locals: App.Locals, denial: Parameters<App.Locals['denied']>[0]): never {
  locals.denied(denial);
  error(404, 'Not found');
}
