import adapter from '@sveltejs/adapter-node';

/** @type {import('@sveltejs/kit').Config} */
export default {
  compilerOptions: { runes: true },
  kit: {
    // Only what the browser and the SvelteKit half need; src/server.ts composes build/handler.js with the hub.
    adapter: adapter({ out: 'build', precompress: true }),
    // Browser tests and configuration are type-checked and linted like everything else.
    typescript: {
      config: (config) => ({
        ...config,
        include: [...config.include, '../e2e/**/*.ts', '../bench/**/*.ts', '../scripts/**/*.ts', '../*.config.ts']
      })
    },
    csp: {
      mode: 'auto',
      directives: {
        'default-src': ['none'],
        'script-src': ['self'],
        'style-src': ['self'],
        // The one style attribute there is: SvelteKit hides its route announcer with it (a constant, hence its hash).
        'style-src-attr': ['unsafe-hashes', 'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='],
        'font-src': ['self'],
        'img-src': ['self', 'data:'],
        'connect-src': ['self'],
        'manifest-src': ['self'],
        'base-uri': ['none'],
        'form-action': ['self'],
        'frame-ancestors': ['none'],
        'object-src': ['none']
      }
    }
  }
};
