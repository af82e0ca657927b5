/**
 * What was entered before the page's scripts ran. Hydration sets every field to what the server rendered, so a quick pair
 * of hands would see a password or a code vanish, and the browser then refuses the empty form without a word.
 * Invariant: what is read before hydration stands in its fields after it, and the components hear of it.
 */
type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/**
 * Only what is sent with care, and the search: some browsers put back by themselves what stood in a page before it was
 * loaded anew, and the filters of a list follow its address and nothing else.
 */
const isKept = (control: Control): boolean => control.form?.method === 'post' || control.type === 'search';
const isToggle = (control: Control): control is HTMLInputElement => /^(checkbox|radio)$/.test(control.type);

/**
 * Call it before any component of the page renders (in the script of the root layout).
 * @returns puts back what was entered; call it once the page is hydrated
 */
export function keepTyped(): () => void {
  const typed: [Control, () => void][] = [];
  for (const control of document.querySelectorAll<Control>('input, textarea, select')) {
    if (!isKept(control)) continue;
    if (isToggle(control)) {
      const { checked } = control;
      if (checked !== control.defaultChecked) typed.push([control, () => (control.checked = checked)]);
    } else {
      const { value } = control;
      const isNew =
        'options' in control
          ? [...control.options].some((option) => option.selected !== option.defaultSelected)
          : value !== control.defaultValue;
      if (isNew) typed.push([control, () => (control.value = value)]);
    }
  }
  return () => {
    for (const [control, put] of typed) {
      put();
      for (const name of ['input', 'change']) control.dispatchEvent(new Event(name, { bubbles: true }));
    }
  };
}
