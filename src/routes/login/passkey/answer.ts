/** What /login/passkey answers to the scripts of the sign-in page. */
export type PasskeyAnswer =
  | { kind: 'asked'; options: PublicKeyCredentialRequestOptionsJSON }
  | { kind: 'signed in'; to: string }
  /** a sentence */
  | { kind: 'refused'; message: string };
