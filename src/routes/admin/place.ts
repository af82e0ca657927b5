/**
 * Where a person is on a page, kept over one load of the page itself: what is scrolled to, what has the focus, what was
 * written into fields, and what the page adds (paused, the list that it was opened from). The address is the rest.
 * Invariants: it is used once, within a minute, by the same address in the same tab; a place that cannot be found again
 * leaves the page as it came.
 */
const PLACE = 'watchfloor:place';
const LOADED_WITHIN_MS = 60_000;
/** What is scrolled to is found again by the first of these that is in sight. */
const LANDMARKS = 'tbody tr a[href], main h2[id], main section[id]';
/** Text that is sent; what stands in the address by itself needs no keeping. */
const FIELDS = 'form[method="post"] :is(textarea, input[type="text"])';

type Field = HTMLTextAreaElement | HTMLInputElement;

interface Place {
  address: string;
  at: number;
  scrollY: number;
  /** a landmark and how far below the upper edge it stood */
  landmark: { name: string; top: number } | null;
  focus: string | null;
  fields: [name: string, value: string][];
  /** what pages add, by name */
  more: Record<string, unknown>;
}

export function keepPlace(more: Record<string, unknown>): void {
  const landmark = [...document.querySelectorAll(LANDMARKS)].find((one) => one.getBoundingClientRect().bottom > 0);
  const { activeElement } = document;
  const place: Place = {
    address: location.pathname + location.search,
    at: Date.now(),
    scrollY: window.scrollY,
    landmark: landmark ? { name: nameOf(landmark), top: landmark.getBoundingClientRect().top } : null,
    focus: activeElement && activeElement !== document.body ? nameOf(activeElement) : null,
    fields: [...document.querySelectorAll<Field>(FIELDS)]
      .filter(({ value }) => value !== '')
      .map((field) => [nameOf(field), field.value]),
    more
  };
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(place));
  } catch {
    // storage may be forbidden; the page loads all the same
  }
}

/** The place that the page before this load left behind, once; null = none. */
export function takePlace(): Place | null {
  try {
    const text = sessionStorage.getItem(PLACE);
    sessionStorage.removeItem(PLACE);
    const place = text === null ? null : (JSON.parse(text) as Place);
    const isHere = place?.address === location.pathname + location.search;
    return place !== null && isHere && Date.now() - place.at < LOADED_WITHIN_MS ? place : null;
  } catch {
    return null;
  }
}

/** Puts fields, scroll position and focus back. Once the page is there, and after SvelteKit's own scrolling. */
export function restorePlace({ fields, scrollY, landmark, focus }: Place): void {
  for (const [name, value] of fields) {
    const field = find(name) as Field | null;
    if (!field) continue;
    field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true })); // for whoever follows it
  }
  const found = landmark && find(landmark.name);
  // At the top new rows stand above by right; farther down what was read stays where it was.
  if (scrollY > 0 && found) window.scrollBy(0, found.getBoundingClientRect().top - landmark.top);
  else window.scrollTo(0, scrollY);
  if (focus !== null) (find(focus) as HTMLElement | null)?.focus({ preventScroll: true });
}

/** A selector by which the same thing is found on the page when it comes anew; '' = none. */
function nameOf(element: Element): string {
  if (element.id !== '') return `#${CSS.escape(element.id)}`;
  const [part, attribute] = element.hasAttribute('href') ? ['a', 'href'] : [element.localName, 'name'];
  const value = element.getAttribute(attribute);
  if (value === null) return '';
  const within = element.closest('tbody') ? 'tbody ' : element.closest('nav') ? 'nav ' : '';
  return `${within}${part}[${attribute}="${CSS.escape(value)}"]`;
}

function find(name: string): Element | null {
  return name === '' ? null : document.querySelector(name);
}
