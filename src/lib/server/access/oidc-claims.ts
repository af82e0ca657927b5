/**
 * From claims of an identity provider to a person that may be looked for: which of them count, and in what form. It owns
 * what a provider may leave out and what must be there. Pure.
 */
import { LONGEST_GROUP } from './oidc-roles.ts';

export type Claims = Readonly<Record<string, unknown>>;

export interface ClaimedPerson {
  subject: string;
  email: string;
  isEmailVerified: boolean;
  name: string;
  groups: string[];
}

const EMAIL_FORM = /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u;
const LONGEST_EMAIL = 254;
const LONGEST_SUBJECT = 255;
const LONGEST_NAME = 120;
/** Of what somebody is in; who is in more is shown to have so many, and the rest gives nothing. */
const MOST_GROUPS = 1000;

/** Does the ID token leave something out that the provider may say when it is asked (userinfo)? */
export function lacks(claims: Claims, groupsClaim: string): boolean {
  return claims['email'] === undefined || claims[groupsClaim] === undefined;
}

/** A text = what is missing, for the log. What a provider leaves out of groups is "in none". */
export function toClaimedPerson(claims: Claims, groupsClaim: string): ClaimedPerson | string {
  if (isElsewhere(claims, groupsClaim))
    return `the claim "${groupsClaim}" is too long for a token: let the provider say only groups that are assigned to Watchfloor`;
  const { sub: subject } = claims;
  if (typeof subject !== 'string' || !isText(subject, LONGEST_SUBJECT)) return 'the subject is none that could be kept';
  const email = typeof claims['email'] === 'string' ? claims['email'].trim() : '';
  if (!EMAIL_FORM.test(email) || email.length > LONGEST_EMAIL)
    return 'there is no e-mail among the claims: let the provider say it (scope email)';
  const groups = claims[groupsClaim];
  return {
    subject,
    email,
    isEmailVerified: claims['email_verified'] === true,
    name: toName(claims['name']) ?? toName(claims['preferred_username']) ?? email.slice(0, LONGEST_NAME),
    groups: [...new Set((Array.isArray(groups) ? groups : [groups]).filter(isGroup))].slice(0, MOST_GROUPS)
  };
}

/** Entra ID puts a link in the place of groups that are many: nobody is in none then, so nothing may be taken from them. */
function isElsewhere(claims: Claims, groupsClaim: string): boolean {
  if (claims[groupsClaim] !== undefined) return false;
  const names: unknown = claims['_claim_names'];
  return claims['hasgroups'] === true || (typeof names === 'object' && names !== null && groupsClaim in names);
}

function isGroup(value: unknown): value is string {
  return typeof value === 'string' && isText(value, LONGEST_GROUP);
}

/** Postgres refuses NUL in text. */
function isText(value: string, longest: number): boolean {
  return value !== '' && value.length <= longest && !value.includes('\0');
}

function toName(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const name = [...value.replace(/\p{Cc}/gu, ' ').trim()].slice(0, LONGEST_NAME).join('').trim();
  return name === '' ? null : name;
}
