/**
 * The list that this page was opened from, with its filter and page, and how many steps of the history ago: "Back" goes
 * there through the history, so that the list stands where it was left. From operation to operation it stays the same.
 * Invariant: without having come from the list it only names an address.
 */
import type { AfterNavigate } from '@sveltejs/kit';

export interface Origin {
  readonly href: string;
  readonly isInHistory: boolean;
  moved(navigation: AfterNavigate): void;
  back(): void;
  /** for a load of the page itself, which keeps its history */
  place(): OriginPlace;
  resume(place: OriginPlace | undefined): void;
}

interface OriginPlace {
  from: string | null;
  steps: number;
}

/** `hub`: the clean address of the workspace's list. */
export function followOrigin(hub: () => string): Origin {
  let from = $state<string | null>(null);
  /** entries of the history since the list */
  let steps = $state(0);
  return {
    get href() {
      return from ?? hub();
    },
    get isInHistory() {
      return from !== null && steps > 0;
    },
    moved(navigation) {
      if (navigation.type === 'enter' || navigation.from === null) return;
      if (navigation.from.url.pathname === hub()) {
        from = navigation.from.url.pathname + navigation.from.url.search;
        // Forward from the list is a step like any other.
        steps = navigation.type === 'popstate' ? Math.max(navigation.delta ?? 1, 0) : 1;
      } else if (from !== null) {
        steps = Math.max(0, steps + (navigation.type === 'popstate' ? (navigation.delta ?? 0) : 1));
      }
    },
    back: () => history.go(-steps),
    place: () => ({ from, steps }),
    resume(place) {
      if (place) ({ from, steps } = place);
    }
  };
}
