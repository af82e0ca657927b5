/**
 * Holds a form's second submit back while the first is under way: what one use makes and tells once (recovery codes, a new
 * session) must not be overwritten by the answer of a second. Without scripts nothing does; the server bears both.
 */
import type { Attachment } from 'svelte/attachments';

/** Attach it to a form that leads to another page. */
export const sendOnce: Attachment<HTMLFormElement> = (form) => {
  let isSent = false;
  const hold = (event: SubmitEvent): void => {
    if (isSent) event.preventDefault();
    isSent = true;
  };
  // Back to a page that was kept: nothing is under way any more.
  const reset = (): void => void (isSent = false);
  form.addEventListener('submit', hold);
  addEventListener('pageshow', reset);
  return () => {
    form.removeEventListener('submit', hold);
    removeEventListener('pageshow', reset);
  };
};
