/** People of every role in a test's own world, and how they sign in by hand. */
import type { Page } from '@playwright/test';
import type { MemberRole } from '../../src/lib/server/access/capabilities.ts';
import { entitle, makePerson, type TestPerson, type World } from '../../tests/harness/world.ts';
import { DEMO_PASSWORD } from './instance.ts';

/** Makes a person a member of A, narrowed to environments where some are named. Their password is that of the demo. */
export async function addMember(world: World, role: MemberRole, environments: number[] = []): Promise<TestPerson> {
  const person = await makePerson(world.owner, `${role}-person`);
  await world.owner.query('insert into memberships (workspace_id, user_id, role) values ($1, $2, $3)', [
    world.a,
    person.id,
    role
  ]);
  if (environments.length > 0) await entitle(world.owner, world.a, person.id, environments);
  // Hashing costs what it should cost; one that exists is as good.
  await world.owner.query(
    `update users set password_hash = (select password_hash from users where email = 'maren.holt@haldenroy.example')
     where id = $1`,
    [person.id]
  );
  return person;
}

/** Through the form, as a person does; ends where the sign-in leads. */
export async function signIn(page: Page, person: Pick<TestPerson, 'email'>, next = '/'): Promise<void> {
  await page.goto(`/login?next=${encodeURIComponent(next)}`);
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.pathname !== '/login');
}
