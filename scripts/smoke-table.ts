/** `npm run smoke:table`: writes the table of signatures into docs/SMOKE.md. src/smoke/table.test.ts holds the page to it. */
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { SIGNATURES } from '../src/smoke/signatures/all.ts';
import { withTable } from '../src/smoke/table.ts';

const PAGE = new URL('../docs/SMOKE.md', import.meta.url).pathname;
const page = withTable(await readFile(PAGE, 'utf8'), SIGNATURES);
await writeFile(PAGE, await format(page, { ...(await resolveConfig(PAGE)), parser: 'markdown' }));
