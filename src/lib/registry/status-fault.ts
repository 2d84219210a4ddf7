import type { HttpResponse } from './http.ts';
import { RegistryError, redact } from './registry-error.ts';

const maxErrorBytes = 64 * 1024;

/** The error for an answer that was not wanted, with the registry's own words (bounded, on one line). Takes the body. */
export async function statusFault(response: HttpResponse, method: string, subject?: string): Promise<RegistryError> {
  const status = `${response.status} ${response.statusText || 'Unknown'}`;
  const what = `unexpected status from ${method} request to ${redact(response.url)}: ${status}`;
  const said = method === 'HEAD' ? '' : await serverWords(response);
  const text = [subject, what, said === '' ? undefined : `server message: ${said}`].filter(
    (part) => part !== undefined,
  );
  return new RegistryError(response.status, response.url.host, text.join(': '));
}

/** What the registry wrote in its error document; empty where it wrote none. */
async function serverWords(response: HttpResponse): Promise<string> {
  let body: Buffer;
  try {
    body = await response.bytes(maxErrorBytes);
  } catch {
    return ''; // the status alone must do
  }
  const text = body.toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return oneLine(text);
  }
  const errors = (parsed as { errors?: unknown } | null)?.errors;
  if (!Array.isArray(errors)) {
    const details = (parsed as { details?: unknown; message?: unknown } | null) ?? {};
    return oneLine(String(details.details ?? details.message ?? ''));
  }
  return oneLine(errors.slice(0, 5).map(describe).join(', '));
}

function describe(error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return [code, message].filter((part) => typeof part === 'string' && part !== '').join(': ');
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those must go
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return clean.startsWith('<') ? '' : clean.slice(0, 300); // a proxy's HTML page helps nobody
}
