/** What SvelteKit's types leave to the application: what hooks put into `locals`, and what an error page may show. */
import type { Person } from '#lib/operations/pages.ts';
import type { Theme } from '#lib/server/web/preferences.ts';
import type { Web } from '#lib/server/web/open-web.ts';
import type { Denial } from '#lib/server/access/denials.ts';

/** What is written down of those who were let in, beside what is of those who were not (denials.ts). */
type AccessEvent =
  | 'signed in'
  | 'signed out'
  | 'password changed'
  | 'sessions ended'
  | 'recovery code used'
  | 'authenticator set up'
  | 'authenticator removed'
  | 'passkey added'
  | 'passkey renamed'
  | 'passkey removed';

declare global {
  namespace App {
    interface Error {
      /** a sentence for people, never an internal */
      message: string;
      /** to find the matching line in the log */
      id?: string;
      /** what to do about it */
      hint?: string;
      /** 400 pages: which part of the address is malformed, what it said, and the clean view to go to */
      name?: string;
      value?: string;
      cleanUrl?: string;
    }
    interface Locals {
      database: Web['database'];
      access: Web['access'];
      /** id = hash of the cookie's token */
      session: { id: string } | null;
      person: Person | null;
      theme: Theme;
      /** IANA name */
      timeZone: string;
      /** the person chose it; else it is the browser's */
      isZoneChosen: boolean;
      /** of the client; null where a proxy hides it */
      address: string | null;
      /** of this request, in each line of the log about it */
      requestId: string;
      /** Tells the log what somebody did with their access, once it is done. `of` = whom, where they were not signed in. */
      accessed(what: AccessEvent, of?: { personId: number; sessionId?: string }): void;
      /** Tells the log what was refused; who asked is known, but for who is not signed in yet. */
      denied(denial: Omit<Denial, 'sessionId' | 'address' | 'requestId'>): void;
    }
  }
}
