/**
 * A page of its own for states that a healthy server cannot be asked for (stale, paused, empty, long names): the real
 * components over invented pages. Never part of the product's build. Use: npx vite --config e2e/pictures/states/vite.config.ts
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
  server: { host: '127.0.0.1', port: Number(process.env['PORT'] ?? 4318), strictPort: true, fs: { strict: false } }
});
