/**
 * Asks the server over plain HTTP who it is, for the connection page. Never rejects: that nothing answers is the finding.
 */
import * as z from 'zod/mini';
import type { HttpReply } from '#lib/live/live-connection.ts';

const PATIENCE_MS = 8_000;
const answerSchema = z.object({ node: z.string(), protocol: z.number() });

export async function askHttp(): Promise<HttpReply> {
  try {
    const answer = await fetch('/admin/connection/node', {
      cache: 'no-store',
      redirect: 'manual', // to sign-in, where the session has ended
      signal: AbortSignal.timeout(PATIENCE_MS)
    });
    if (answer.type === 'opaqueredirect') return 'signed out';
    if (!answer.ok) return 'unwell';
    const parsed = z.safeParse(answerSchema, await answer.json());
    return parsed.success ? parsed.data : 'unwell';
  } catch {
    return null;
  }
}
