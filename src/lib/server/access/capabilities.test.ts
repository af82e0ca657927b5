import { describe, expect, test } from 'vitest';
import { can, MEMBER_ROLES, type Capability, type MemberRole } from './capabilities.ts';

/** Who may, by capability: the same rule as the table, written the other way round. */
const WHO_MAY: Record<Capability, MemberRole[]> = {
  'operations.read': ['owner', 'manager', 'operator', 'readonly', 'support'],
  'operations.review': ['owner', 'manager', 'operator'],
  'diagnostics.read': ['support'],
  'rejected_reports.read': ['owner'],
  'delivery.read': ['owner'],
  'displays.manage': ['owner', 'manager'],
  'members.manage': ['owner'],
  'types.manage': ['owner', 'manager'],
  'tokens.manage': ['owner']
};

describe('capabilities', () => {
  test.each(Object.entries(WHO_MAY))('%s belongs to %j and nobody else', (capability, roles) => {
    expect(MEMBER_ROLES.filter((role) => can(role, capability as Capability))).toEqual(roles);
  });

  test('a display reads operations and may do nothing else', () => {
    const all = Object.keys(WHO_MAY) as Capability[];
    expect(all.filter((capability) => can('display', capability))).toEqual(['operations.read']);
  });
});
