import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseOidcRoles, toChangedGroups, type OidcRole } from './oidc-roles.ts';

const mistakesOf = (text: string): string[] => parseOidcRoles(text).mistakes;

describe('groups and their roles', () => {
  test('lines or semicolons, with environments or without, and what is commented out', () => {
    const text = `
      # the night shift
      noc = operator workspace 2
      noc-emea = readonly workspace 2 environment 4, 5 5;  admins=owner workspace 1 ;
    `;
    expect(parseOidcRoles(text)).toEqual({
      roles: [
        { group: 'noc', role: 'operator', workspaceId: 2, environmentIds: [] },
        { group: 'noc-emea', role: 'readonly', workspaceId: 2, environmentIds: [4, 5] },
        { group: 'admins', role: 'owner', workspaceId: 1, environmentIds: [] }
      ],
      mistakes: []
    });
  });

  test.each([
    ['/customers/noc', '/customers/noc'],
    ['cn=noc,ou=groups,dc=example', 'cn=noc,ou=groups,dc=example'],
    ['Network operations (EMEA)', 'Network operations (EMEA)'],
    ['9b1f0c5e-4b7d-4b62-9a54-0f1c2d3e4f50', '9b1f0c5e-4b7d-4b62-9a54-0f1c2d3e4f50'],
    ['a = owner workspace 1 = b', 'a = owner workspace 1 = b']
  ])('a group may be called %j', (written, group) => {
    expect(parseOidcRoles(`${written} = operator workspace 2`).roles).toMatchObject([{ group, role: 'operator' }]);
  });

  test('each line that is wrong is named with what is wrong, and none of them gives anything', () => {
    const text =
      'noc operator 2; noc = boss workspace 2; noc = operator workspace two; = owner workspace 1; ok = support workspace 3';
    const { roles, mistakes } = parseOidcRoles(text);
    expect(roles).toMatchObject([{ group: 'ok' }]);
    expect(mistakes).toHaveLength(4);
    expect(mistakes[1]).toBe(
      '"noc = boss workspace 2" names no role (they are owner, manager, operator, readonly, support)'
    );
  });

  test.each([
    'noc = operator workspace 2 environment',
    'noc = operator workspace 2 environment x',
    'noc = operator workspace 2 4'
  ])('a narrowing that cannot be read is a mistake, never all of a workspace: %s', (line) =>
    expect(mistakesOf(line)).toHaveLength(1)
  );

  test('more lines than anybody writes, and a group of a thousand letters, are refused', () => {
    expect(mistakesOf('a = owner workspace 1;'.repeat(501))).toHaveLength(1);
    expect(mistakesOf(`${'a'.repeat(1000)} = owner workspace 1`)).toHaveLength(1);
  });
});

describe('whom a change of the lines concerns', () => {
  const changed = (before: string, after: string): string[] =>
    toChangedGroups(parseOidcRoles(before).roles, parseOidcRoles(after).roles);
  const LINES = 'a = owner workspace 1; b = operator workspace 1 environment 2; c = readonly workspace 2';

  test('nobody, while they are as they were, however they are written', () => {
    expect(changed(LINES, LINES.replaceAll(';', '\n# more\n').replaceAll(' = ', '='))).toEqual([]);
    expect(changed('', '')).toEqual([]);
  });

  test('the groups of lines that came, went, say something else or changed places, and not those that only moved up', () => {
    expect(changed(LINES, `z = support workspace 1; ${LINES}`)).toEqual(['z']);
    expect(changed(LINES, LINES.split('; ').slice(1).join('; '))).toEqual(['a']);
    expect(changed(LINES, LINES.replace('environment 2', 'environment 3'))).toEqual(['b']);
    expect(changed(LINES, LINES.replace('b =', 'd ='))).toEqual(['b', 'd']);
    expect(
      changed(LINES, 'b = operator workspace 1 environment 2; a = owner workspace 1; c = readonly workspace 2')
    ).toEqual(['a', 'b']);
    expect(changed(LINES, '')).toEqual(['a', 'b', 'c']);
    expect(changed('a = owner workspace 1', 'a = owner workspace 1; a = owner workspace 1')).toEqual(['a']);
  });

  test('for any two lists, whoever is in none of these groups is fitted by the same lines in the same order', () => {
    const line = fc.record<OidcRole>({
      group: fc.constantFrom('a', 'b', 'c', 'd'),
      role: fc.constantFrom('owner', 'readonly'),
      workspaceId: fc.constantFrom(1, 2),
      environmentIds: fc.constantFrom([], [4], [4, 5])
    });
    const lines = fc.array(line, { maxLength: 7 });
    fc.assert(
      fc.property(lines, lines, lines, fc.subarray(['a', 'b', 'c', 'd']), (head, before, after, groups) => {
        const [was, is] = [
          [...head, ...before],
          [...head, ...after]
        ];
        const concerned = toChangedGroups(was, is);
        const unconcerned = groups.filter((group) => !concerned.includes(group));
        const fit = (roles: OidcRole[]) => roles.filter(({ group }) => unconcerned.includes(group));
        expect(fit(is)).toEqual(fit(was));
        expect(concerned.length === 0).toBe(JSON.stringify(was) === JSON.stringify(is));
      })
    );
  });
});
