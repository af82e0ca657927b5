/**
 * Draws the state that the address names (`/?abnormal`) with the real components. `window.wall` lets a test or a soak show
 * another state, move time and data as a feed would, and leave.
 */
import { flushSync, mount, unmount } from 'svelte';
import '#lib/styles/tokens.css';
import '#lib/styles/fonts.css';
import '#lib/styles/base.css';
import '#lib/styles/text.css';
import Frame from './Frame.svelte';
import { Feed } from './feed.svelte.ts';

const feed = new Feed(location.search.slice(1) || 'abnormal');
let app: Record<string, unknown> | null = null;

function enter(): void {
  app = mount(Frame, { target: document.body, props: { feed } });
  flushSync();
}

const controls = {
  feed,
  enter,
  /** takes the view away, as leaving the page would */
  async leave(): Promise<void> {
    if (app !== null) await unmount(app);
    app = null;
  },
  flush: flushSync
};
export type WallControls = typeof controls;
declare global {
  interface Window {
    wall: WallControls;
  }
}
window.wall = controls;
enter();
feed.lookBack(flushSync);
