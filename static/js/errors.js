/** Anything below: what went wrong, with `code` and `reason` (a sentence). */
export class ParleyError extends Error {
  constructor(code, reason) {
    super(reason);
    Object.assign(this, { name: new.target.name, code, reason });
  }
}

/**
 * The server says no: `code` and `reason` as the contract has them. `status` is that of HTTP, 0 over a WebSocket;
 * `retryAfter` are seconds where waiting helps, or null; `room` is the one that it is about where a request was about
 * several.
 */
export class Refused extends ParleyError {
  constructor(code, reason, { status = 0, retryAfter = null, room = null } = {}) {
    super(code, reason);
    Object.assign(this, { status, retryAfter, room });
  }
}

/** One is not in the room any more: put out of it, or it has been deleted. */
export class RoomLost extends Refused {}

/** No answer came (`status` 0), or none that Parley gives. */
export class Unreachable extends ParleyError {
  constructor(reason = 'The server cannot be reached.', { status = 0 } = {}) {
    super('unreachable', reason);
    this.status = status;
  }
}

/** The connection is over for good, with a close code of the contract: 4400, 4401, 4403; or 1000, by oneself. */
export class Closed extends ParleyError {}

/** So much waits to be acknowledged that no more is taken. */
export class OutboxFull extends ParleyError {}
