/** Draws the state that the address names (`/?stale`), in a frame like the product's. */
import { mount } from 'svelte';
import '#lib/styles/tokens.css';
import '#lib/styles/fonts.css';
import '#lib/styles/base.css';
import '#lib/styles/text.css';
import Frame from './Frame.svelte';

mount(Frame, { target: document.body, props: { state: location.search.slice(1) || 'live' } });
