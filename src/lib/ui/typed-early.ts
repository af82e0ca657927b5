/**
 * What was entered before the page's scripts ran. Hydration sets every field to what the server rendered, so a quick pair
 * of hands would see a password or a code vanish, and the browser then refuses the empty form without a word.
 * Invariant: what is read before hydration stands in its fields after it, and the components hear of it.
 */
type Control = HTMLInputElement & HTMLSelectElement;

/**
 * Only what is sent with care, and the search: some browsers put back by themselves what stood in a page before it was
 * loaded anew, and the filters of a list follow its address and nothing else.
 */
const KEPT = 'form[method=post] :is(input, textarea, select), input[type=search]';

/** Does it hold anything else than the server rendered? */
const isChanged = ({ options, value, defaultValue, checked, defaultChecked }: Control): boolean =>
  options ? !options[options.selectedIndex]?.defaultSelected : value !== defaultValue || checked !== defaultChecked;

/**
 * Call it before any component of the page renders (in the script of the root layout); on the server there is nothing to keep.
 * @returns puts back what was entered; call it once the page is hydrated
 */
export function keepTyped(): () => void {
  const typed = [...(globalThis.document?.querySelectorAll<Control>(KEPT) ?? [])]
    .filter(isChanged)
    .map((control) => ({ control, entered: { value: control.value, checked: control.checked } }));
  return () => {
    for (const { control, entered } of typed) {
      Object.assign(control, entered);
      for (const name of ['input', 'change']) control.dispatchEvent(new Event(name, { bubbles: true }));
    }
  };
}
