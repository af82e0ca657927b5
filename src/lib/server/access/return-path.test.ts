import { describe, expect, test } from 'vitest';
import { toFirstPath, toLoginPath, toReturnPath, toSecondPath } from './return-path.ts';

describe('the way back after signing in', () => {
  test.each(['/admin', '/admin/workspaces/3/operations?environment_id=4', '/admin/a%2Fb'])('%s is followed', (next) => {
    expect(toReturnPath(next)).toBe(next);
  });

  test.each([
    'https://elsewhere.example/',
    '//elsewhere.example/admin',
    '/\\elsewhere.example',
    '\\\\elsewhere.example',
    '/\t/elsewhere.example',
    '/\n/elsewhere.example',
    '/.//elsewhere.example',
    '/admin/..//elsewhere.example',
    'javascript:alert(1)',
    'elsewhere.example',
    ' /admin',
    '//[',
    ''
  ])('%j leads elsewhere or nowhere, so it is not followed', (next) => {
    expect(toReturnPath(next)).toBeNull();
  });

  test('nothing leads back to signing in or out', () => {
    expect(toReturnPath('/login?next=/login')).toBeNull();
    expect(toReturnPath('/admin/../logout')).toBeNull();
    expect(toReturnPath('/logins')).toBe('/logins');
  });

  test('the sign-in page is told where to lead back to, unless that is where it leads anyway', () => {
    expect(toLoginPath('/admin')).toBe('/login');
    expect(toLoginPath('/admin/workspaces/3/operations?a=1&b=2')).toBe(
      '/login?next=%2Fadmin%2Fworkspaces%2F3%2Foperations%3Fa%3D1%26b%3D2'
    );
    expect(toLoginPath('//elsewhere.example')).toBe('/login');
  });

  test('the steps of signing in keep where to lead back to, and nothing else', () => {
    expect(toSecondPath(null)).toBe('/login/second');
    expect(toSecondPath('/admin?a=1&b=2', { with: 'recovery' })).toBe(
      '/login/second?with=recovery&next=%2Fadmin%3Fa%3D1%26b%3D2'
    );
    expect(toFirstPath('/admin')).toBe('/login?over=1&next=%2Fadmin');
    expect(toSecondPath('//elsewhere.example')).toBe('/login/second');
  });
});
