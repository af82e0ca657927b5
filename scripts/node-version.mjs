/** Refuses versions of Node that Watchfloor is not tested with, before their syntax errors do. */

const MINIMUM = { 20: 19, 22: 12 };

export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major >= 24 || minor >= (MINIMUM[major] ?? Infinity)) return;
  process.stderr.write(
    `Watchfloor needs Node 20.19 or newer, 22.12 or newer, or 24; this is Node ${version}. Install one from https://nodejs.org.\n`
  );
  process.exit(1);
}
