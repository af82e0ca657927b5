/** Draws the state that the address names (`/?stale`), in a frame like the product's. */
import { mount } from 'svelte';
import '#lib/styles/tokens.css';
import '#lib/styles/fonts.css';
import '#lib/styles/base.css';
import '#lib/styles/text.css';
import shapes from '#lib/ui/sprite.svg?raw';
import Frame from './Frame.svelte';

// The shapes come with a page of the server, and here there is none.
document.body.insertAdjacentHTML('afterbegin', shapes);
mount(Frame, { target: document.body, props: { state: location.search.slice(1) || 'live' } });
