/**
 * Puts a new cluster in the place of the present one. Two renames cannot be one, so a note says what is being done: who
 * starts after a crash in between settles it, and finds either the old data or the new, whole, and never none.
 */
import { access, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const noteSchema = z.object({ fresh: z.string(), aside: z.string() });

/** `fresh` is a path below `directory`; what is there now goes to `aside`. Both are names, so that the note stays true. */
export async function swapCluster(directory: string, { fresh, aside }: z.infer<typeof noteSchema>): Promise<void> {
  const note = noteFile(directory);
  await writeFile(`${note}.new`, JSON.stringify({ fresh, aside }), { mode: 0o600, flush: true });
  await rename(`${note}.new`, note);
  await syncFolder(directory);
  const present = join(directory, 'cluster');
  if (await exists(present)) await rename(present, join(directory, aside));
  await rename(join(directory, fresh), present);
  await syncFolder(directory);
  await rm(note);
}

/** Ends what a swap left half done. Harmless when there is nothing to settle. */
export async function settleSwap(directory: string): Promise<void> {
  const text = await readFile(noteFile(directory), 'utf8').catch(() => null);
  if (text === null) return;
  const { fresh, aside } = noteSchema.parse(JSON.parse(text));
  const present = join(directory, 'cluster');
  // The old data are still there: the swap had not begun, and is given up. Else the new ones take their place.
  for (const source of [join(directory, fresh), join(directory, aside)]) {
    if (!(await exists(present)) && (await exists(source))) await rename(source, present);
  }
  await rm(noteFile(directory), { force: true });
}

function noteFile(directory: string): string {
  return join(directory, 'cluster.swap.json');
}

/** A rename is on the disk when its folder is. */
async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, 'r');
  await folder.sync().finally(() => folder.close());
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  );
}
