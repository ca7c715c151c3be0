/** A failed call: `status` (0: no answer came), `reason`, `wait` (seconds). */
export class Refusal extends Error {
  constructor(status, reason, wait) {
    super(reason);
    Object.assign(this, { status, reason, wait });
  }
}

const { base } = document.documentElement.dataset;

/** The address of a path: the server may lie below one itself. */
export const at = (path) => base + path;

/** Calls the server; returns the JSON, or what `read` makes of the answer. Throws Refusal. */
export async function call(method, path, { token, body, signal, read = (answer) => answer.json() } = {}) {
  let answer;
  try {
    answer = await fetch(at(path), {
      method,
      signal: signal ?? AbortSignal.timeout(40_000),
      cache: 'no-store',
      credentials: 'omit',
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Refusal(0, 'The server cannot be reached; try again.');
  }
  if (answer.status === 204) return null;
  if (answer.ok) return read(answer);
  const { error } = await answer.json().catch(() => ({}));
  throw new Refusal(answer.status, error?.reason ?? `The server answered ${answer.status}.`, Number(answer.headers.get('Retry-After')));
}
