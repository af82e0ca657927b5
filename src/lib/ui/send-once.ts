/**
 * Holds a form's second submit back while the first is under way: what one use makes and tells once (recovery codes, a new
 * session) must not be overwritten by the answer of a second. Without scripts nothing does; the server bears both. A handler
 * and no attachment: those would bring their part of Svelte's runtime to every page.
 */
const sent = new WeakSet<HTMLFormElement>();

/** The `onsubmit` of a form that leads to another page. */
export function sendOnce(event: SubmitEvent & { currentTarget: HTMLFormElement }): void {
  const form = event.currentTarget;
  if (sent.has(form)) return event.preventDefault();
  sent.add(form);
  // Back to a page that was kept: nothing is under way any more.
  addEventListener('pageshow', () => sent.delete(form), { once: true });
}
