/** The close code that means the same as an HTTP status; any other status is a lost connection. */
const CODES = { 400: 4400, 401: 4401, 403: 4403, 404: 4403, 409: 4401, 429: 4429, 503: 1012 };

/**
 * How a failed HTTP request reads as the end of a connection: `{code, reason, retryAfter, room, error}`, with the
 * contract's own code as `error`.
 */
export function closeFor(error) {
  const { status, code, reason = String(error), retryAfter, room } = error;
  return { code: CODES[status] ?? 1006, reason, retryAfter, room, error: code };
}
