/**
 * Custom properties that a component knows and its stylesheet uses: sizes, shift, lengths. Set by script on the element,
 * because the content security policy forbids style attributes that come with the server's page. Invariant: what was set
 * is taken away with the element, also where that is the root of the page.
 */
import type { Attachment } from 'svelte/attachments';

export type Properties = Readonly<Record<`--${string}`, string | number>>;

/** Sets them on the element that it is attached to. */
export function properties(values: Properties): Attachment<HTMLElement> {
  return (element) => setProperties(element, values);
}

/** Sets them on any element; the answer takes them away again. */
export function setProperties(element: Pick<HTMLElement, 'style'>, values: Properties): () => void {
  for (const [name, value] of Object.entries(values)) element.style.setProperty(name, String(value));
  return () => {
    for (const name of Object.keys(values)) element.style.removeProperty(name);
  };
}
