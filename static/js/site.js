import { Refused, Unreachable } from './errors.js';

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

/** A server of Parley, and as whom one speaks to it. */
export class Site {
  #address;
  #token;

  /**
   * `address`: like "https://chat.example.org", with a path where Parley is mounted below one; without one the server
   * that this page is from. `token`: who one is, "" for nobody yet; without one the browser's cookie says it.
   */
  constructor(address = ownOrigin(), { token = null } = {}) {
    this.#address = String(address).replace(/\/+$/, '');
    this.#token = token;
  }

  /** The same server, with a token. */
  as(token) {
    return new Site(this.#address, { token });
  }

  /** What says who one is; null where the cookie does. */
  get token() {
    return this.#token;
  }

  /** Whether a WebSocket can be opened: Node.js has them from version 22 on. */
  get hasSockets() {
    return 'WebSocket' in globalThis;
  }

  /** A new WebSocket. A page can show a token to it in no other way than as the name of a protocol. */
  socket(path) {
    const address = this.#address.replace(/^http/, 'ws') + path;
    return this.#token ? new WebSocket(address, ['parley', `bearer.${asProtocol(this.#token)}`]) : new WebSocket(address);
  }

  /**
   * Calls the HTTP interface and returns the answer's JSON, or null where it has none. `query` is
   * anything URLSearchParams takes, `patience` milliseconds. Throws Refused, Unreachable.
   */
  async call(method, path, options) {
    const response = await this.request(method, path, options);
    return response.status === 204 ? null : response.json().catch(() => null);
  }

  /** Like `call`, but returns the Response with its body unread, for an answer that comes little by little. */
  async request(method, path, { body, query, signal, patience = PATIENCE } = {}) {
    const address = this.#address + path + (query ? `?${new URLSearchParams(query)}` : '');
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), patience);
    try {
      const response = await fetch(address, {
        method,
        signal: signal ? AbortSignal.any([signal, limit.signal]) : limit.signal,
        cache: 'no-store',
        // Where a token says who one is a cookie could only contradict it.
        credentials: this.#token === null ? 'same-origin' : 'omit',
        headers: {
          ...(this.#token && { Authorization: `Bearer ${this.#token}` }),
          ...(body && { 'Content-Type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw await refusal(response);
      return response;
    } catch (error) {
      throw error instanceof Refused || error instanceof Unreachable ? error : new Unreachable();
    } finally {
      clearTimeout(timer);
    }
  }
}

async function refusal(response) {
  const { status } = response;
  const { code, reason, room } = (await response.json().catch(() => null))?.error ?? {};
  if (!code) return new Unreachable(`The answer was ${status}, and not one of Parley.`, { status });
  const seconds = Number.parseFloat(response.headers.get('Retry-After'));
  return new Refused(code, reason, { status, retryAfter: Number.isFinite(seconds) ? seconds : null, room });
}

// A guest's token has letters that a protocol's name has not.
function asProtocol(text) {
  if (/^p[bsv]_/.test(text)) return text;
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
