/**
 * The pages of a signed-in person and the versions of Watchfloor: when another one is deployed a live page loads itself
 * again (`live/new-version.ts` says when), keeping its place. One instance per tree, through context.
 * Invariants: nothing that somebody has written is taken from under them; a page that was told goes to the next address
 * with a load of its own, since its scripts and the server's pages belong to different versions.
 */
import { createContext } from 'svelte';
import { updated } from '$app/state';
import { openNewVersion, type NewVersion } from '#lib/live/new-version.ts';
import type { NoticeWords } from '#lib/operations/access-wording.ts';
import { keepPlace, restorePlace, takePlace } from './place.ts';

const LOADS = 'watchfloor:version-loads';
/** A form that was sent is answered by then. */
const SENT_MS = 5_000;
const WAITS: NoticeWords = {
  fact: 'A new version of Watchfloor is running.',
  consequence: 'This page loads it once you have finished what you are writing; your text and your place stay.'
};

export class PageVersion {
  #isWaiting = $state(false);
  /** pages were told; links load anew */
  #isOld = false;
  #sentAt = -Infinity;
  #version: NewVersion | null = null;
  readonly #more: Record<string, () => unknown> = {};
  #kept: ReturnType<typeof takePlace> = null;

  get words(): NoticeWords | null {
    return this.#isWaiting ? WAITS : null;
  }
  get isOld(): boolean {
    return this.#isOld;
  }

  /** Browser only, before the page's own effects need what was kept. */
  wake(): () => void {
    this.#version = openNewVersion({
      after: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
      random: Math.random,
      now: () => Date.now(),
      isReady: async () => (await fetch('/readyz', { cache: 'no-store' })).ok,
      isAnother: () => updated.check(),
      isWriting: () => performance.now() - this.#sentAt < SENT_MS || isWriting(document.activeElement),
      readLoads,
      keepLoads: (at) => sessionStorage.setItem(LOADS, JSON.stringify(at)),
      load: () => {
        keepPlace(Object.fromEntries(Object.entries(this.#more).map(([name, read]) => [name, read()])));
        location.reload();
      },
      tell: (isWaiting) => (this.#isWaiting = isWaiting)
    });
    const leave = new AbortController();
    const { signal } = leave;
    document.addEventListener('focusout', () => setTimeout(() => this.#version?.wrote()), { signal });
    document.addEventListener(
      'submit',
      ({ target }) => {
        if (target instanceof HTMLFormElement && target.method === 'post') this.#sentAt = performance.now();
      },
      { signal }
    );
    return () => {
      leave.abort();
      this.#version?.close();
    };
  }

  /** Given to feeds: the hub speaks another version. */
  readonly told = (): void => {
    this.#isOld = true;
    this.#version?.told();
  };

  /** The page is there: what was kept is put back. */
  restore(): void {
    const place = this.#place();
    if (place !== null) restorePlace(place);
  }

  /** What a page wants to have kept. Returns what the page before this load kept under the name, and what undoes it. */
  keep<T>(name: string, read: () => T): { was: T | undefined; stop: () => void } {
    this.#more[name] = read;
    const more = this.#place()?.more;
    const was = more?.[name] as T | undefined;
    if (more) delete more[name]; // once: whoever goes on and comes back is somewhere else
    return { was, stop: () => void delete this.#more[name] };
  }

  #isTaken = false;
  #place(): ReturnType<typeof takePlace> {
    if (!this.#isTaken) this.#kept = takePlace();
    this.#isTaken = true;
    return this.#kept;
  }
}

/** Text that would be sent. What is searched for stands in the address by itself. */
function isWriting(element: Element | null): boolean {
  const isText =
    element instanceof HTMLTextAreaElement || (element instanceof HTMLInputElement && element.type === 'text');
  return isText && element.form?.method === 'post' && element.value.trim() !== '';
}

/** Throws where storage is forbidden. */
function readLoads(): number[] {
  const kept = JSON.parse(sessionStorage.getItem(LOADS) ?? '[]') as unknown;
  return Array.isArray(kept) ? kept.filter((at): at is number => typeof at === 'number') : [];
}

export const [readPageVersion, providePageVersion] = createContext<PageVersion>();
