/** How long an ordinary call may take, in milliseconds. */
const PATIENCE = 15_000;

/** The path below which the server of this page lies in somebody else's site, as `<html data-base>` has it; else "". */
const BASE = globalThis.document?.documentElement.dataset.base ?? '';

/**
 * The address of a page of ours, like "/pair", for links and `location.assign`. Every link goes through it, as Parley
 * may be mounted below another path; in templates `{{ link('/pair') }}` is the same, in handlers `self.link`. What is
 * called by `call` needs it not.
 */
export function pagePath(path) {
  return BASE + path;
}

/** The path of ours that such an address stands for; `path` is that of a URL, like `location.pathname`. */
export function ownPath(path) {
  return path.startsWith(BASE) ? path.slice(BASE.length) : path;
}

/** Where the server of this page is; undefined where there is no page. */
function ownOrigin() {
  return globalThis.location && location.origin + BASE;
}

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

/** A server of Parley, and as whom one speaks to it. */
export class Site {
  #origin;
  #token;

  /**
   * `origin`: like "https://chat.example.org", with a path where Parley is mounted below one; without one the server
   * that this page is from. `token`: who one is;
   * without one the browser's cookie says it.
   */
  constructor(origin = ownOrigin(), { token = null } = {}) {
    this.#origin = String(origin).replace(/\/+$/, '');
    this.#token = token;
  }

  /** Whether a WebSocket can be opened: Node.js has them from version 22 on, and only there one can carry a token. */
  get hasSockets() {
    return 'WebSocket' in globalThis && (this.#token === null || !('document' in globalThis));
  }

  /** A new WebSocket. */
  socket(path) {
    const address = this.#origin.replace(/^http/, 'ws') + path;
    return this.#token === null ? new WebSocket(address) : new WebSocket(address, { headers: this.#identity });
  }

  /**
   * Calls the HTTP interface and returns the answer's JSON, or null where it has none. `query` is
   * anything URLSearchParams takes, `patience` milliseconds. Throws ApiError.
   */
  async call(method, path, options) {
    const response = await this.request(method, path, options);
    return response.status === 204 ? null : response.json().catch(() => null);
  }

  /** Like `call`, but returns the Response with its body unread, for an answer that comes little by little. */
  async request(method, path, { body, query, signal, patience = PATIENCE } = {}) {
    const address = this.#origin + path + (query ? `?${new URLSearchParams(query)}` : '');
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), patience);
    try {
      const response = await fetch(address, {
        method,
        signal: signal ? AbortSignal.any([signal, limit.signal]) : limit.signal,
        cache: 'no-store',
        headers: { ...this.#identity, ...(body && { 'Content-Type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
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

  get #identity() {
    return this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` };
  }
}

async function refusal(response) {
  const answer = await response.json().catch(() => null);
  const { code = 'unavailable', reason = `The server answered ${response.status}.`, room } = answer?.error ?? {};
  const seconds = Number.parseFloat(response.headers.get('Retry-After'));
  return new ApiError(response.status, code, reason, { retryAfter: Number.isFinite(seconds) ? seconds : null, room });
}
