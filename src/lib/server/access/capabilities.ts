/**
 * What each role of a member, and a display, may do: the one table of PRODUCT section 3. Code asks for a capability, never for a role's
 * name, so that a role can change in one place. It does not own which environments somebody sees (scope.ts). Pure.
 */

/** As `memberships.role` allows them, from the most to the least. */
export const MEMBER_ROLES = ['owner', 'manager', 'operator', 'readonly', 'support'] as const;
export type MemberRole = (typeof MEMBER_ROLES)[number];
/** What a wall display is instead: nobody is made a member as that. */
export type Role = MemberRole | 'display';

export type Capability =
  /** see lists, details, counts and live changes */
  | 'operations.read'
  /** mark an operation reviewed, and undo that */
  | 'operations.review'
  /** open an operation's raw context; every access is recorded */
  | 'diagnostics.read'
  /** see reports that could not be applied, with their reason */
  | 'rejected_reports.read'
  /** see how the node that serves them delivers, and whether the workspace's numbers hold */
  | 'delivery.read'
  /** pair, rename and revoke wall displays */
  | 'displays.manage'
  /** add members, change roles, narrow to environments */
  | 'members.manage'
  /** labels, follow-up policies and silence limits of types */
  | 'types.manage'
  /** make and revoke tokens that report operations */
  | 'tokens.manage';

const CAPABILITIES: Readonly<Record<Role, readonly Capability[]>> = {
  owner: [
    'operations.read',
    'operations.review',
    'rejected_reports.read',
    'delivery.read',
    'displays.manage',
    'members.manage',
    'types.manage',
    'tokens.manage'
  ],
  manager: ['operations.read', 'operations.review', 'displays.manage', 'types.manage'],
  operator: ['operations.read', 'operations.review'],
  readonly: ['operations.read'],
  support: ['operations.read', 'diagnostics.read'],
  display: ['operations.read']
};

/** True of roles that see and change nothing, and open nothing that is recorded. */
export function onlyReads(role: MemberRole): boolean {
  return CAPABILITIES[role].every((capability) => capability === 'operations.read');
}

/** May a member with this role do that, inside what their scope lets them see at all? */
export function can(role: Role, capability: Capability): boolean {
  return CAPABILITIES[role].includes(capability);
}
