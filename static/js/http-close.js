/** The close code that means the same as an HTTP status; any other status is a lost connection. */
const CODES = { 400: 4400, 401: 4401, 403: 4403, 409: 4401, 429: 4429, 503: 1012 };

/** How a failed HTTP request reads as the end of a connection: `{code, reason, retryAfter}`. */
export function closeFor(error) {
  return { code: CODES[error.status] ?? 1006, reason: error.reason ?? String(error), retryAfter: error.retryAfter };
}
