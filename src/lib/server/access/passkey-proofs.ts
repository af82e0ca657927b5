/**
 * The only file that knows @simplewebauthn: what a browser is asked, and whether what it answers is a proof. It keeps
 * nothing. The library is loaded with the first passkey that somebody uses (0.4 s of a start that most do not need).
 * Invariants: the person was verified by their device (what they have and what they know or are); no answer makes us ask
 * another server, so a passkey that comes with certificates, whose revocation would be looked up, is refused unread.
 */
import type { PublicKeyCredentialCreationOptionsJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { z } from 'zod';
import type { RelyingParty } from './relying-party.ts';

export type CreationOptions = PublicKeyCredentialCreationOptionsJSON;

/** What of a passkey is kept to know it again. */
export interface Credential {
  credentialId: string;
  publicKey: Buffer;
  counter: number;
  transports: string[];
}

/** How long a device may take, as long as its challenge counts. */
export const CHALLENGE_MINUTES = 5;
const TIMEOUT_MS = CHALLENGE_MINUTES * 60_000;
const RP_NAME = 'Watchfloor';

const base64url = z
  .string()
  .max(16_384)
  .regex(/^[\w-]*$/);
const common = {
  id: base64url.min(1).max(1_366),
  rawId: base64url,
  type: z.literal('public-key'),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional().catch(undefined),
  // None was asked for.
  clientExtensionResults: z.object({}).catch({})
};
const registrationSchema = z.object({
  ...common,
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .optional()
      .catch(undefined)
  })
});
const authenticationSchema = z.object({
  ...common,
  response: z.object({
    clientDataJSON: base64url,
    authenticatorData: base64url,
    signature: base64url,
    userHandle: base64url.max(128)
  })
});
export type Assertion = z.infer<typeof authenticationSchema>;

/** A browser's answer to `navigator.credentials.get`, as JSON; null for anything else. */
export function parseAssertion(value: unknown): Assertion | null {
  return authenticationSchema.safeParse(value).data ?? null;
}

export async function toCreationOptions({
  party,
  person,
  userHandle,
  challenge,
  known
}: {
  party: RelyingParty;
  person: { name: string; email: string };
  userHandle: Buffer;
  challenge: Buffer;
  known: { credentialId: string; transports: string[] }[];
}): Promise<CreationOptions> {
  const { generateRegistrationOptions } = await import('@simplewebauthn/server');
  return generateRegistrationOptions({
    rpName: RP_NAME,
    rpID: party.id,
    userName: person.email,
    userDisplayName: person.name,
    userID: Uint8Array.from(userHandle),
    challenge: Uint8Array.from(challenge),
    timeout: TIMEOUT_MS,
    attestationType: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    excludeCredentials: known.map(({ credentialId, transports }) => ({ id: credentialId, transports }))
  });
}

/** For `navigator.credentials.get`: any passkey of this site, with its person verified. */
export function toRequestOptions(party: RelyingParty, challenge: string) {
  return { challenge, rpId: party.id, timeout: TIMEOUT_MS, userVerification: 'required' as const };
}

/** null: it is no passkey that was made for this challenge here. `value`: what the browser sent, as JSON. */
export async function verifyCreation(
  value: unknown,
  { party, challenge }: { party: RelyingParty; challenge: string }
): Promise<Credential | null> {
  const parsed = registrationSchema.safeParse(value);
  if (!parsed.success) return null;
  const response = parsed.data as unknown as RegistrationResponseJSON;
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
  try {
    if (await hasCertificates(parsed.data.response.attestationObject)) return null;
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true
    });
    if (!verified || !registrationInfo) return null;
    const { id, publicKey, counter } = registrationInfo.credential;
    return {
      credentialId: id,
      publicKey: Buffer.from(publicKey),
      counter,
      transports: parsed.data.response.transports ?? []
    };
  } catch {
    // The library throws for each thing that does not fit; which it is, is nothing for whoever asks.
    return null;
  }
}

/** The new counter; null: it is no signature of this passkey for this challenge here, or its counter did not grow. */
export async function verifyAssertion(
  response: Assertion,
  { party, challenge, credential }: { party: RelyingParty; challenge: string; credential: Credential }
): Promise<number | null> {
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...response, authenticatorAttachment: response.authenticatorAttachment ?? 'platform' },
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      credential: {
        id: credential.credentialId,
        publicKey: Uint8Array.from(credential.publicKey),
        counter: credential.counter
      }
    });
    return verified ? authenticationInfo.newCounter : null;
  } catch {
    return null;
  }
}

/** We ask for none; a browser that sends some all the same is not believed, and not looked up. */
async function hasCertificates(attestationObject: string): Promise<boolean> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers');
  const decoded = decodeAttestationObject(Uint8Array.from(Buffer.from(attestationObject, 'base64url')));
  const format = decoded.get('fmt');
  return !(format === 'none' || (format === 'packed' && decoded.get('attStmt').get('x5c') === undefined));
}
