import { fault } from '#base/errors';
import { basic, type Credentials } from './credentials.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { redact } from './registry-error.ts';
import { statusFault } from './status-fault.ts';

export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal;
}

/** Sends a request with retries; no authorization beyond what is in its headers, which stay with the URL's own host. */
export type Requester = (
  request: Pick<HttpRequest, 'method' | 'url' | 'headers' | 'signal'> & { readonly body?: Uint8Array },
) => Promise<HttpResponse>;

const maxTokenBytes = 1024 * 1024;
const clientId = 'berth';

/**
 * Gets an access token: by OAuth2's refresh grant for an identity token, else by a GET with the password, or as nobody.
 * `expiresAt` is a little early, so that a token does not run out on its way. @throws unauthenticated and other RegistryErrors
 */
export async function fetchToken(
  request: TokenRequest,
  send: Requester,
): Promise<{ readonly token: string; readonly expiresAt: number }> {
  const askedAt = Date.now();
  const { credentials } = request;
  const response =
    credentials !== undefined && 'identityToken' in credentials
      ? await postForm(request, credentials.identityToken, send)
      : await get(request, credentials, send);
  if (response.status !== 200)
    throw await statusFault(response, 'POST or GET', `failed to fetch a token from ${redact(request.realm)}`);
  const answer = parseAnswer(await response.bytes(maxTokenBytes), request.realm);
  return { token: answer.token, expiresAt: askedAt + Math.max(answer.lifetimeMs * 0.9 - 1000, 1000) };
}

function get(
  request: TokenRequest,
  credentials: Exclude<Credentials, { identityToken: string }> | undefined,
  send: Requester,
): Promise<HttpResponse> {
  const url = new URL(request.realm);
  if (request.service !== undefined) url.searchParams.set('service', request.service);
  for (const scope of request.scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = {};
  if (credentials !== undefined && 'user' in credentials) {
    headers.authorization = basic(credentials.user, credentials.password);
    url.searchParams.set('account', credentials.user);
  }
  return send({ method: 'GET', url, headers, signal: request.signal });
}

function postForm(request: TokenRequest, refreshToken: string, send: Requester): Promise<HttpResponse> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: clientId,
    scope: request.scopes.join(' '),
  });
  if (request.service !== undefined) form.set('service', request.service);
  return send({
    method: 'POST',
    url: request.realm,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(form.toString()),
    signal: request.signal,
  });
}

function parseAnswer(body: Buffer, realm: URL): { readonly token: string; readonly lifetimeMs: number } {
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw fault('unknown', `the token server ${redact(realm)} answered something else than JSON`, error);
  }
  const members = typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  const token = [members.token, members.access_token].find((value) => typeof value === 'string' && value !== '');
  // What goes into a header may not break out of it.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw fault('unknown', `the token server ${redact(realm)} gave no token`);
  const seconds = typeof members.expires_in === 'number' && members.expires_in > 0 ? members.expires_in : 60;
  return { token, lifetimeMs: seconds * 1000 };
}
