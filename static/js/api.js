/** How long an ordinary call may take, in milliseconds. */
const PATIENCE = 15_000;

/**
 * A call that failed: `status` (0 where no answer came), `code` and `reason` of the contract, `retryAfter` in
 * seconds or null, and `room` where a request for several rooms failed because of one.
 */
export class ApiError extends Error {
  constructor(status, code, reason, { retryAfter = null, room = null } = {}) {
    super(reason);
    Object.assign(this, { status, code, reason, retryAfter, room });
  }
}

/**
 * Calls the HTTP interface and returns the answer's JSON, or null where it has none. `query` is
 * anything URLSearchParams takes, `patience` milliseconds. Throws ApiError.
 */
export async function call(method, path, { body, query, signal, patience } = {}) {
  const response = await request(method, path, { body, query, signal, patience });
  return response.status === 204 ? null : response.json().catch(() => null);
}

/** Like `call`, but returns the Response with its body unread, for an answer that comes little by little. */
export async function request(method, path, { body, query, signal, patience = PATIENCE } = {}) {
  const address = query ? `${path}?${new URLSearchParams(query)}` : path;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), patience);
  try {
    const response = await fetch(address, {
      method,
      signal: signal ? AbortSignal.any([signal, limit.signal]) : limit.signal,
      cache: 'no-store',
      ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw await refusal(response);
    return response;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, 'unreachable', 'The server cannot be reached.');
  } finally {
    clearTimeout(timer);
  }
}

async function refusal(response) {
  const answer = await response.json().catch(() => null);
  const { code = 'unavailable', reason = `The server answered ${response.status}.`, room } = answer?.error ?? {};
  const seconds = Number.parseFloat(response.headers.get('Retry-After'));
  return new ApiError(response.status, code, reason, { retryAfter: Number.isFinite(seconds) ? seconds : null, room });
}
