/**
 * What the forms of the filter bar send. A GET form writes the whole query, so what it does not ask for travels along as
 * hidden fields; with scripts, what is left empty stays out of the address, because a default is never written into it.
 */
import type { Attachment } from 'svelte/attachments';
import { hubQuery, type HubPlace } from '#lib/operations/addresses.ts';

/** Name and value of everything in a list's address but the keys of the form, and never a place in the list. */
export function keptFields(place: Omit<HubPlace, 'after' | 'before'>, own: readonly string[]): [string, string][] {
  return [...new URLSearchParams(hubQuery(place))].filter(([name]) => !own.includes(name));
}

/** `<input type="datetime-local">` in the browser's zone; without scripts, and for the server's page, in UTC. */
export function toLocalInput(instant: number, isLocal: boolean): string {
  const shift = isLocal ? new Date(instant).getTimezoneOffset() * 60_000 : 0;
  return new Date(instant - shift).toISOString().slice(0, 16);
}

/** Leaves out what is empty, and writes local times as the address has them: in UTC. */
export const cleanFields: Attachment<HTMLFormElement> = (form) => {
  const clean = ({ formData }: FormDataEvent): void => {
    const local = new Set([...form.querySelectorAll<HTMLInputElement>('[type="datetime-local"]')].map((it) => it.name));
    const fields = [...formData].filter((field): field is [string, string] => typeof field[1] === 'string');
    for (const [name] of fields) formData.delete(name);
    for (const [name, value] of fields) {
      if (value.trim() === '') continue;
      const at = local.has(name) ? new Date(value) : null;
      if (at && Number.isNaN(at.getTime())) continue;
      formData.append(name, at ? `${at.toISOString().slice(0, 16)}Z` : value.trim());
    }
  };
  form.addEventListener('formdata', clean);
  return () => form.removeEventListener('formdata', clean);
};
