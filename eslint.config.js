/**
 * Lint enforces who may import whom (STYLE.md section 2): each ban says why, so that the message is the documentation.
 * Formatting is Prettier's; types are svelte-check's.
 */
import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

const bans = {
  sockets: {
    group: ['socket.io', 'socket.io-client', 'pg-listen'],
    message:
      'Only live/socket-server.ts and live/broadcast.ts know socket.io, only live/wake-up.ts pg-listen, only the connection socket.io-client.'
  },
  node: { group: ['node:*', 'fs', 'path', 'crypto'], message: 'This file also runs in the browser: nothing of Node.' },
  database: { group: ['pg', 'pg-*', '**/server/**', '#lib/server/**'], message: 'Pure code reads no database.' },
  svelte: { group: ['svelte', 'svelte/*'], message: 'Pure code is tested without components: no Svelte.' },
  kit: {
    group: ['$app/*', '$env/*', '$lib', '$lib/*', '@sveltejs/*'],
    message: 'Must load without SvelteKit: configuration and requests are arguments. Import by #lib/….ts.'
  },
  routes: { group: ['**/routes/**'], message: 'Nothing depends on pages; move what is shared into lib.' },
  ui: { group: ['**/ui/**', '#lib/ui/**'], message: 'The server half draws nothing.' },
  live: {
    group: ['**/live/**', '#lib/live/**'],
    message: 'Components are functions of their props: no feed, no socket.'
  },
  hub: {
    group: ['**/server/live/**', '#lib/server/live/**'],
    message: 'Postgres is the bus: pages and the hub share no memory.'
  }
};
/** @param {...keyof typeof bans} names */
const ban = (...names) => ({
  'no-restricted-imports': ['error', { patterns: names.map((name) => bans[name]) }]
});
const noClock = {
  'no-restricted-syntax': [
    'error',
    {
      selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
      message: 'Time is an argument here: whoever calls knows which clock.'
    },
    {
      selector: "NewExpression[callee.name='Date'][arguments.length=0]",
      message: 'Time is an argument here: whoever calls knows which clock.'
    }
  ]
};
const tests = ['**/*.test.ts'];

export default ts.config(
  {
    ignores: ['build/', '.svelte-kit/', 'test-results/', 'artifacts/', 'playwright-report/', '.watchfloor/', 'static/']
  },
  js.configs.recommended,
  ts.configs.recommended,
  svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
    rules: {
      // TypeScript reports unknown names, with better knowledge of them.
      'no-undef': 'off',
      'max-lines': ['error', { max: 400, skipBlankLines: false }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': ['error', { allow: ['warn', 'error'] }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }
      ],
      // Addresses are made by functions that know every route; nothing is served below a base path.
      'svelte/no-navigation-without-resolve': 'off'
    }
  },
  {
    files: ['src/**/*.ts', 'tests/**/*.ts', 'e2e/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }]
    }
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig } }
  },
  {
    files: ['src/lib/operations/**', 'src/lib/live/protocol.ts', 'src/lib/server/live/rooms.ts'],
    ignores: tests,
    rules: { ...ban('sockets', 'node', 'svelte', 'kit', 'routes', 'ui'), ...noClock }
  },
  {
    files: ['src/lib/operations/**', 'src/lib/live/**'],
    ignores: [...tests, 'src/lib/live/**/*.svelte.ts', 'src/lib/live/socket*.ts'],
    rules: ban('sockets', 'node', 'database', 'svelte', 'kit', 'routes', 'ui')
  },
  { files: ['src/lib/ui/**'], ignores: tests, rules: ban('sockets', 'node', 'database', 'kit', 'routes', 'live') },
  {
    files: ['src/lib/server/**/*.ts'],
    ignores: [
      'src/lib/server/live/socket-server.ts',
      'src/lib/server/live/broadcast.ts',
      'src/lib/server/live/wake-up.ts',
      ...tests
    ],
    rules: ban('sockets', 'svelte', 'kit', 'routes', 'ui')
  },
  { files: ['src/routes/**', 'src/hooks.server.ts'], rules: ban('sockets', 'hub') },
  { files: ['scripts/**', 'bench/**', 'tests/**', 'e2e/**', 'src/cli/**'], rules: { 'no-console': 'off' } }
);
