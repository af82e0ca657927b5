/** Writes a file that others may be reading at this moment: they find the whole of the former one or of the new one. */
import { rename, writeFile } from 'node:fs/promises';

/** Not kept over a power failure: no flush is waited for. `mode`: of the new file. */
export async function writeWhole(file: string, text: string, mode = 0o644): Promise<void> {
  await writeFile(`${file}.new`, text, { mode });
  await rename(`${file}.new`, file);
}
