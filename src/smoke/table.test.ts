import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SIGNATURES } from './signatures/all.ts';
import { toTable } from './table.ts';

/** Prettier pads the cells of tables. */
const plain = (text: string): string =>
  text
    .replace(/[ ]+/g, ' ')
    .replace(/-{3,}/g, '---')
    .replace(/\| +\|/g, '| |');

test('docs/SMOKE.md has the table of exactly these signatures (npm run smoke:table)', () => {
  const page = plain(readFileSync(new URL('../../docs/SMOKE.md', import.meta.url), 'utf8'));
  for (const line of toTable(SIGNATURES).split('\n')) expect(page).toContain(plain(line).trim());
  const rows = page.split('<!-- signatures')[1]!.match(/^\| `/gm);
  expect(rows).toHaveLength(SIGNATURES.length);
});
