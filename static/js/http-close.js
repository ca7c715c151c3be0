import { Refused } from './errors.js';

/** The close code that means the same as an HTTP status; any other status is a lost connection. */
const CODES = { 400: 4400, 401: 4401, 403: 4403, 404: 4403, 409: 4401, 429: 4429, 503: 1012 };
const LOST = 1006;

/**
 * How a failed HTTP request reads as the end of a connection: `{code, reason, retryAfter, room, error}`, with the
 * contract's own code as `error`.
 */
export function closeFor(error) {
  const { status, code, reason = String(error), retryAfter, room } = error;
  if (!(error instanceof Refused)) return { code: LOST, reason };
  return { code: CODES[status] ?? LOST, reason, retryAfter, room, error: code };
}
