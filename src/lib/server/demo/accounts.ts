/**
 * The demo's sign-in accounts: seeded once on an empty embedded database, and kept in a file that only its owner reads,
 * so that a later start can tell how to sign in. The file also says that this database is the demo's, and nothing else
 * does: without it no demo writer runs.
 */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeSecret } from '../database/embedded-cluster.ts';
import { seedDemo, tidyAfterSeed } from './seed.ts';

const demoSchema = z.object({
  /** null when it was given by WATCHFLOOR_DEMO_PASSWORD: then it is nobody's business but the administrator's */
  password: z.string().nullable(),
  accounts: z.array(z.object({ email: z.string(), name: z.string(), role: z.string(), sees: z.string() }))
});

export interface Demo extends z.infer<typeof demoSchema> {
  /** where this stands */
  file: string;
  /** made by this very start: the only time that the password is printed */
  isNew: boolean;
}

/** The demo of this data directory, seeded now if the database is empty; null when the database is somebody's own. */
export async function openDemo(options: {
  databaseUrl: string;
  directory: string;
  password: string | null;
}): Promise<Demo | null> {
  const file = join(options.directory, 'demo.json');
  const known = await readFile(file, 'utf8').catch(() => null);
  if (known !== null) return { ...demoSchema.parse(JSON.parse(known)), file, isNew: false };
  const password = options.password ?? makePassword();
  const seeded = await seedDemo(options.databaseUrl, { password });
  if (seeded === null) return null;
  const demo = { password: options.password === null ? password : null, accounts: seeded };
  await writeSecret(file, `${JSON.stringify(demo, null, 2)}\n`);
  // After the file: a start that is killed here has a demo all the same.
  await tidyAfterSeed(options.databaseUrl).catch(() => {});
  return { ...demo, file, isNew: true };
}

/** 16 characters that are not confused with each other: about 73 bits. */
function makePassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const group = (): string => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return [group(), group(), group(), group()].join('-');
}
