/** How to prove who asks: name and password, a token to trade for access tokens, or a ready `Authorization` header. */
export type Credentials =
  | { readonly user: string; readonly password: string }
  | { readonly identityToken: string }
  | { readonly header: string };

/**
 * Finds the credentials for a host (`registry-1.docker.io`, `localhost:5000`), called when that host first asks for some.
 * `challenge` is its `WWW-Authenticate` text. `undefined`: go on as nobody.
 */
export type CredentialsOf = (host: string, challenge: string) => Promise<Credentials | undefined>;

/** The value of an `Authorization` header for basic authentication. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
