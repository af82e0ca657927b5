/**
 * Which groups of the identity provider give which role, as an administrator writes it. It owns the form of the lines, the
 * sentences about what is wrong in them, and whom a change of them concerns. What they give to somebody is decided by the database (migration 0017), which
 * is told them at the start: the role that signs people in cannot give more. Pure.
 */
import { MEMBER_ROLES, type MemberRole } from './capabilities.ts';

export interface OidcRole {
  /** as the provider writes it, to the letter */
  group: string;
  role: MemberRole;
  workspaceId: number;
  /** empty: all of the workspace */
  environmentIds: number[];
}

export const ROLES_EXAMPLE = 'noc = operator workspace 2; noc-emea = readonly workspace 2 environment 4,5';
/** Of whatever is a group: DNs are the longest. */
export const LONGEST_GROUP = 300;
const MOST_LINES = 500;
// A group may have "=" in it (cn=noc,ou=groups): the last one that the rest of a line fits behind counts.
const LINE = /^(.+)=\s*(\w+)\s+workspace\s+(\d{1,15})(?:\s+environment\s+(\d{1,15}(?:[\s,]+\d{1,15})*))?$/;

/** Lines, or what stands between semicolons; `#` begins a line that says nothing. All mistakes at once, one a line. */
export function parseOidcRoles(text: string): { roles: OidcRole[]; mistakes: string[] } {
  const lines = text
    .split(/[\n;]/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const roles: OidcRole[] = [];
  const mistakes: string[] = [];
  for (const line of lines.slice(0, MOST_LINES)) {
    const [, group = '', role = '', workspace = '', environments = ''] = LINE.exec(line) ?? [];
    const name = group.trim();
    if (workspace === '' || name === '') mistakes.push(`"${line}" cannot be read`);
    else if (!isRole(role)) mistakes.push(`"${line}" names no role (they are ${MEMBER_ROLES.join(', ')})`);
    else if (name.length > LONGEST_GROUP)
      mistakes.push(`"${line.slice(0, 40)}…" names a group of ${name.length} letters`);
    else
      roles.push({
        group: name,
        role,
        workspaceId: Number(workspace),
        environmentIds: [
          ...new Set(
            environments
              .split(/[\s,]+/)
              .filter(Boolean)
              .map(Number)
          )
        ]
      });
  }
  if (lines.length > MOST_LINES) mistakes.push(`there are ${lines.length} lines, and ${MOST_LINES} at most are read`);
  return { roles, mistakes };
}

/**
 * Groups of the lines that came, went or changed places: whoever is in none of them gets from `after` what `before` gave.
 * What is alike at both ends is left out; of what lies between, more may be named than differs.
 */
export function toChangedGroups(before: readonly OidcRole[], after: readonly OidcRole[]): string[] {
  const [was, is] = [before.map(toLine), after.map(toLine)];
  const shorter = Math.min(was.length, is.length);
  let head = 0;
  while (head < shorter && was[head] === is[head]) head++;
  let tail = 0;
  while (tail < shorter - head && was.at(-1 - tail) === is.at(-1 - tail)) tail++;
  const between = [before, after].flatMap((roles) => roles.slice(head, roles.length - tail));
  return [...new Set(between.map(({ group }) => group))];
}

function toLine({ group, role, workspaceId, environmentIds }: OidcRole): string {
  return JSON.stringify([group, role, workspaceId, environmentIds]);
}

function isRole(text: string): text is MemberRole {
  return (MEMBER_ROLES as readonly string[]).includes(text);
}
