/** Does this browser know passkeys, and how they travel as JSON (all that are kept up, since 2025)? In a browser only. */
export function hasPasskeys(): boolean {
  return 'PublicKeyCredential' in globalThis && 'parseRequestOptionsFromJSON' in PublicKeyCredential;
}
