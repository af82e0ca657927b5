/**
 * Is someone engaged with the list: pointer over it, focus on a row or on the pill, text in it selected? Then nothing may
 * move under them. The area is the list with its sticky line: on the way from a row to the pill the rows must not be let
 * in, or the pill would be gone before it is reached. It only tells; what waits, the feed decides.
 */
import type { Attachment } from 'svelte/attachments';

const FOCUSABLE = 'table, .pill';

export class Engagement {
  #isPointed = false;
  #isFocused = false;
  #isSelected = false;
  #isEngaged = false;
  #area: HTMLElement | null = null;
  /** what had the focus here last, unless it was left by itself */
  #focused: Element | null = null;
  readonly #tell: (isEngaged: boolean) => void;

  constructor(tell: (isEngaged: boolean) => void) {
    this.#tell = tell;
  }

  readonly attach: Attachment<HTMLElement> = (area) => {
    this.#area = area;
    const leave = new AbortController();
    const on = <E extends Event>(target: EventTarget, type: string, hear: (event: E) => void) =>
      target.addEventListener(type, hear as EventListener, { signal: leave.signal });
    on(area, 'pointerenter', () => this.#set(() => (this.#isPointed = true)));
    on(area, 'pointerleave', () => this.#set(() => (this.#isPointed = false)));
    on<FocusEvent>(area, 'focusin', ({ target }) => this.#focus(target));
    on<FocusEvent>(area, 'focusout', ({ target, relatedTarget }) => {
      this.#set(() => (this.#isFocused = this.#holds(relatedTarget)));
      // Some browsers tell of it also when its row is about to be taken away: then it has not been left.
      queueMicrotask(() => {
        const isLeft = target instanceof Element && target.isConnected && document.activeElement !== target;
        if (isLeft && this.#focused === target) this.#focused = null;
      });
    });
    on(document, 'selectionchange', () => this.#set(() => (this.#isSelected = this.#holdsSelection())));
    return () => {
      leave.abort();
      this.#area = null;
    };
  };

  /**
   * To be called when rows have changed: a focused row that leaves takes the focus with it, in some browsers without any
   * event. True if so: then nothing has the focus any more.
   */
  check(): boolean {
    if (this.#isFocused) this.#set(() => (this.#isFocused = this.#holds(document.activeElement)));
    if (this.#focused === null || this.#focused.isConnected) return false;
    this.#focused = null;
    return (document.activeElement ?? document.body) === document.body;
  }

  #focus(target: EventTarget | null): void {
    const isHeld = this.#holds(target);
    this.#focused = isHeld ? (target as Element) : null;
    this.#set(() => (this.#isFocused = isHeld));
  }

  #holds(target: EventTarget | null): boolean {
    return target instanceof Element && !!this.#area?.contains(target) && target.closest(FOCUSABLE) !== null;
  }

  #holdsSelection(): boolean {
    const selection = document.getSelection();
    const table = this.#area?.querySelector('table');
    return !!selection && !selection.isCollapsed && !!table && selection.containsNode(table, true);
  }

  #set(change: () => void): void {
    change();
    const isEngaged = this.#isPointed || this.#isFocused || this.#isSelected;
    if (isEngaged === this.#isEngaged) return;
    this.#isEngaged = isEngaged;
    this.#tell(isEngaged);
  }
}
