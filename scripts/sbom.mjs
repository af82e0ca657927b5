/**
 * `npm run sbom [-- file]`: the bill of materials of what a server needs (CycloneDX, as npm itself writes it from the
 * lockfile), to a file or to the standard output. Nothing is installed or asked of a registry.
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { project } from './sources.mjs';

const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', '--omit=dev', '--sbom-type=application'];
const bill = JSON.parse(
  execFileSync('npm', args, {
    cwd: project,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32'
  })
);
// npm takes the directory's name, which is whoever's clone it is.
const { name } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'));
bill.metadata.component.name = name;
const text = `${JSON.stringify(bill, null, 2)}\n`;
if (process.argv[2]) await writeFile(process.argv[2], text);
else process.stdout.write(text);
