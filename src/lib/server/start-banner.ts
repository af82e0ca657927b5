/**
 * What the first minute needs, on standard output: the address, how to sign in, how to report an operation, where the
 * data is, how to stop. It knows only what it is given, so that it can be tested as text.
 */
import type { Demo } from './demo/accounts.ts';

export interface BannerFacts {
  address: string;
  /** what else opens the same pages */
  otherAddresses: string[];
  /** milliseconds from the start of the process until now */
  startedInMs: number;
  demo: Demo | null;
  /** a real place to report an operation to; null when there is no workspace yet */
  place: { workspaceId: number; environmentId: number | null } | null;
  /** null with DATABASE_URL */
  embedded: { directory: string; psql: string } | null;
}

export function toBanner(facts: BannerFacts): string {
  const also = facts.otherAddresses.length > 0 ? `  (also ${facts.otherAddresses.join(', ')})` : '';
  const lines = [
    '',
    `Watchfloor is ready after ${(facts.startedInMs / 1000).toFixed(1)} s: ${facts.address}${also}`,
    '',
    ...signIn(facts),
    '',
    ...report(facts),
    '',
    facts.embedded
      ? `The data is in ${facts.embedded.directory} (embedded Postgres).`
      : 'The data is in the Postgres of DATABASE_URL.',
    'Stop with Ctrl-C.',
    ''
  ];
  return lines.join('\n');
}

function signIn({ demo, embedded }: BannerFacts): string[] {
  if (demo === null) {
    return [
      'Sign in with an account of yours. The first one is made with:',
      '  npm run watchfloor -- user add you@example.com --name "Your Name"',
      '  npm run watchfloor -- workspace add "Your workspace" --owner you@example.com'
    ];
  }
  const width = Math.max(...demo.accounts.map(({ email }) => email.length));
  const password = demo.isNew
    ? demo.password === null
      ? 'the one in WATCHFLOOR_DEMO_PASSWORD'
      : `${demo.password}   (kept in ${demo.file})`
    : demo.password === null
      ? 'the one that WATCHFLOOR_DEMO_PASSWORD had at the first start'
      : `in ${demo.file}`;
  return [
    `This is demo data${embedded ? '' : ' in your own Postgres'}. Sign in as one of`,
    ...demo.accounts.map(({ email, role, sees }) => `  ${email.padEnd(width)}  ${role}: ${sees}`),
    `  password: ${password}`
  ];
}

function report({ place, embedded }: BannerFacts): string[] {
  if (place === null) return ['Report operations by plain SQL, once there is a workspace: see docs/REPORTING.md.'];
  const columns = place.environmentId === null ? 'workspace_id' : 'workspace_id, managed_environment_id';
  const values = place.environmentId === null ? `${place.workspaceId}` : `${place.workspaceId}, ${place.environmentId}`;
  return [
    'Report an operation, and watch it appear:',
    `  npm run watchfloor -- sql "insert into operation_runs (${columns}, type) values (${values}, 'inventory.sync')"`,
    ...(embedded ? ['or with a psql of your own:', `  ${embedded.psql}`] : [])
  ];
}
