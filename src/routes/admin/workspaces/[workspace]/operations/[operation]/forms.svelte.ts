/**
 * The forms of the detail page, sent without leaving it: mark reviewed, undo, open diagnostics. Without scripts the
 * browser sends them and the answer comes as `form`; with them it comes here. Invariant: what one operation's form was
 * answered with is never shown beside another.
 */
import { tick } from 'svelte';
import type { Attachment } from 'svelte/attachments';
import type { ActionResult, SubmitFunction } from '@sveltejs/kit';
import { applyAction, enhance } from '$app/forms';
import type { DetailForms } from './Detail.svelte';
import type { ActionData } from './$types';

const NOT_REACHED = 'Watchfloor did not answer. Try again in a moment.';

interface Parts {
  /** the answer to a form that the browser sent by itself */
  answer: () => ActionData;
  operationId: () => number;
  hasScripts: () => boolean;
  readAgain: () => Promise<void>;
}
type Door = 'review' | 'diagnostics';
interface Told {
  operationId: number;
  refusals: Partial<Record<Door, string>>;
  diagnostics: { text: string; openedAt: number } | null;
}

export function openForms({ answer, operationId, hasScripts, readAgain }: Parts): DetailForms {
  let told = $state.raw<Told | null>(null);
  let isSending = false;
  const own = $derived(told?.operationId === operationId() ? told : null);
  const sent = $derived.by(() => {
    const data: { review?: string; diagnostics?: Told['diagnostics'] & { operationId: number } } = answer() ?? {};
    const diagnostics = data.diagnostics?.operationId === operationId() ? data.diagnostics : null;
    return { review: data.review ?? null, diagnostics };
  });

  const submit: SubmitFunction = ({ action, cancel }) => {
    if (isSending) return cancel(); // a double click is one
    isSending = true;
    const about = operationId();
    const door: Door = action.search.includes('diagnostics') ? 'diagnostics' : 'review';
    return async ({ result }) => {
      isSending = false;
      const refusals = { ...(told?.operationId === about ? told.refusals : {}) };
      delete refusals[door];
      const refusal = refusalOf(result);
      if (refusal !== null) refusals[door] = refusal;
      let diagnostics = told?.operationId === about ? told.diagnostics : null;
      if (result.type === 'success') diagnostics = (result.data?.['diagnostics'] as Told['diagnostics']) ?? diagnostics;
      told = { operationId: about, refusals, diagnostics };
      if (result.type === 'redirect' && isHere(result.location)) {
        // The row itself comes over the feed; this is for when that is slow or lost.
        await readAgain().catch(() => {});
        await tick();
        // The button that had the focus is gone: what took its place is said there.
        if (about === operationId()) document.getElementById('review-text')?.focus();
      } else if (result.type === 'redirect' || (result.type === 'error' && (result.status ?? 500) < 500)) {
        await applyAction(result);
      }
    };
  };
  const onsend: Attachment<HTMLFormElement> = (form) => enhance(form, submit).destroy;

  return {
    get reviewRefusal() {
      return own ? (own.refusals.review ?? null) : sent.review;
    },
    get diagnosticsRefusal() {
      return own?.refusals.diagnostics ?? null;
    },
    get diagnostics() {
      return own?.diagnostics ?? sent.diagnostics;
    },
    onsend,
    get oncopy() {
      return hasScripts() ? (text: string) => navigator.clipboard.writeText(text) : null;
    }
  };
}

/** What is said beside the button; null where there is nothing to say or another page says it. */
function refusalOf(result: ActionResult): string | null {
  if (result.type === 'failure') return String(result.data?.['review'] ?? NOT_REACHED);
  return result.type === 'error' && (result.status ?? 500) >= 500 ? NOT_REACHED : null;
}

function isHere(address: string): boolean {
  return new URL(address, location.href).pathname === location.pathname;
}
