import { describe, expect, test } from 'vitest';
import { lacks, toClaimedPerson } from './oidc-claims.ts';

const ada = { sub: 'a-1', email: 'ada@example.com', email_verified: true, name: 'Ada', groups: ['noc', 'emea'] };
const read = (more: Record<string, unknown>, claim = 'groups') => toClaimedPerson({ ...ada, ...more }, claim);

describe('claims of an identity provider', () => {
  test('become a person: subject, e-mail, name and groups', () => {
    expect(read({})).toEqual({
      subject: 'a-1',
      email: 'ada@example.com',
      isEmailVerified: true,
      name: 'Ada',
      groups: ['noc', 'emea']
    });
  });

  test.each([undefined, false, 'true', 1, null])(
    'an e-mail is verified where that is true, not %j',
    (email_verified) => {
      expect(read({ email_verified })).toMatchObject({ isEmailVerified: false });
    }
  );

  test.each<[unknown, string[]]>([
    [undefined, []],
    [null, []],
    ['noc', ['noc']],
    [['noc', 'noc', '', 7, null, { id: 'x' }, ['y'], 'a\0b', 'x'.repeat(301)], ['noc']],
    [{ noc: true }, []]
  ])('groups are texts of a list, or one text: %j', (groups, expected) => {
    expect(read({ groups })).toMatchObject({ groups: expected });
  });

  test('groups may have any name, and more than a thousand are not kept', () => {
    expect(read({ 'https://example.com/roles': ['a'] }, 'https://example.com/roles')).toMatchObject({ groups: ['a'] });
    const many = read({ groups: Array.from({ length: 1200 }, (_, at) => `g${at}`) });
    expect((many as { groups: string[] }).groups).toHaveLength(1000);
  });

  test('groups that a token has no room for are not "in none": it says what to do', () => {
    for (const claims of [
      { groups: undefined, _claim_names: { groups: 'src1' } },
      { groups: undefined, hasgroups: true }
    ])
      expect(read(claims)).toContain('assigned to Watchfloor');
    expect(read({ _claim_names: { address: 'src1' }, groups: undefined })).toMatchObject({ groups: [] });
  });

  test.each([undefined, '', 'ada', 'ada @example.com', `${'a'.repeat(250)}@example.com`, ['ada@example.com']])(
    'nobody is somebody without an e-mail: %j',
    (email) => expect(read({ email })).toContain('no e-mail')
  );

  test.each([undefined, '', 7, 'a\0b', 'x'.repeat(256)])('nor without a subject that can be kept: %j', (sub) => {
    expect(read({ sub })).toContain('subject');
  });

  test('a name is cut and cleaned, and something stands in its place', () => {
    expect(read({ name: ` A\n\u0007da ${'x'.repeat(200)}` })).toMatchObject({ name: `A  da ${'x'.repeat(114)}` });
    expect(read({ name: ' ', preferred_username: 'ada.l' })).toMatchObject({ name: 'ada.l' });
    expect(read({ name: 7 })).toMatchObject({ name: 'ada@example.com' });
  });

  test('what the token leaves out is asked for', () => {
    expect(lacks(ada, 'groups')).toBe(false);
    expect(lacks({ ...ada, email: undefined }, 'groups')).toBe(true);
    expect(lacks(ada, 'roles')).toBe(true);
  });
});
