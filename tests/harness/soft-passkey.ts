/**
 * A passkey in software: answers as a browser with a device would, for tests without a browser, and wrongly where a test
 * says so. P-256, no attestation, as WebAuthn level 3 writes it down.
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Faults {
  origin?: string;
  rpId?: string;
  challenge?: string;
  /** the person was not asked for PIN, face or finger */
  isUnverified?: boolean;
  counter?: number;
  userHandle?: string;
  /** comes with a certificate, as devices of an enterprise may */
  hasCertificate?: boolean;
}

export interface SoftPasskey {
  id: string;
  counter: number;
  /** what `navigator.credentials.create` answers, as JSON */
  create(asked: { challenge: string; user: { id: string } }, faults?: Faults): Record<string, unknown>;
  /** what `navigator.credentials.get` answers, as JSON; counts */
  get(asked: { challenge: string }, faults?: Faults): Record<string, unknown>;
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
const FLAGS = { present: 0x01, verified: 0x04, attested: 0x40 } as const;

export function makeSoftPasskey({ origin, rpId }: { origin: string; rpId: string }): SoftPasskey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const id = randomBytes(32);
  let userHandle = '';

  const toClientData = (type: string, challenge: string, faults: Faults): Buffer =>
    Buffer.from(
      JSON.stringify({
        type,
        challenge: faults.challenge ?? challenge,
        origin: faults.origin ?? origin,
        crossOrigin: false
      })
    );
  const toAuthenticatorData = (counter: number, faults: Faults, attested?: Buffer): Buffer => {
    const flags = FLAGS.present | (faults.isUnverified ? 0 : FLAGS.verified) | (attested ? FLAGS.attested : 0);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    return Buffer.concat([sha256(faults.rpId ?? rpId), Buffer.of(flags), count, attested ?? Buffer.alloc(0)]);
  };
  const toAnswer = (response: Record<string, unknown>) => ({
    id: id.toString('base64url'),
    rawId: id.toString('base64url'),
    type: 'public-key',
    authenticatorAttachment: 'platform',
    clientExtensionResults: {},
    response
  });

  const passkey: SoftPasskey = {
    id: id.toString('base64url'),
    counter: 0,
    create({ challenge, user }, faults = {}) {
      userHandle = user.id;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      // COSE: kty EC2, alg ES256, crv P-256.
      const key = Buffer.concat([
        Buffer.from('a5010203262001215820', 'hex'),
        Buffer.from(x!, 'base64url'),
        Buffer.from('225820', 'hex'),
        Buffer.from(y!, 'base64url')
      ]);
      const attested = Buffer.concat([Buffer.alloc(16), length, id, key]);
      const data = toAuthenticatorData(faults.counter ?? 0, faults, attested);
      const statement = faults.hasCertificate
        ? [cborText('packed'), cborText('attStmt'), Buffer.of(0xa1), cborText('x5c'), Buffer.of(0x81), cborBytes(id)]
        : [cborText('none'), cborText('attStmt'), Buffer.of(0xa0)];
      return toAnswer({
        clientDataJSON: toClientData('webauthn.create', challenge, faults).toString('base64url'),
        attestationObject: Buffer.concat([
          Buffer.of(0xa3),
          cborText('fmt'),
          ...statement,
          cborText('authData'),
          cborBytes(data)
        ]).toString('base64url'),
        transports: ['internal']
      });
    },
    get({ challenge }, faults = {}) {
      const counter = faults.counter ?? ++passkey.counter;
      const clientData = toClientData('webauthn.get', challenge, faults);
      const data = toAuthenticatorData(counter, faults);
      return toAnswer({
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: sign('sha256', Buffer.concat([data, sha256(clientData)]), privateKey).toString('base64url'),
        userHandle: faults.userHandle ?? userHandle
      });
    }
  };
  return passkey;
}

function cborText(text: string): Buffer {
  return Buffer.concat([Buffer.of(0x60 + text.length), Buffer.from(text)]);
}

function cborBytes(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0x59, bytes.length >> 8, bytes.length & 255), bytes]);
}
