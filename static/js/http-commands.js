import { Refused } from './errors.js';
import { roomApi } from './room-name.js';

/** Seconds to wait before a command is sent again that may not have reached the server. */
const TRY_AGAIN = 2;

/**
 * Sends a command of the contract by HTTP and hands its answer to `receive` in the form a WebSocket
 * would bring it: an `ack`, or an `error` with the command's key. Commands without a key are not answered.
 */
export async function postCommand(site, { room, ...command }, signal, receive) {
  const { key } = command;
  try {
    const ack = await site.call('POST', `${roomApi(room)}/commands`, { body: command, signal });
    if (key) receive({ ...ack, type: 'ack', key, room });
  } catch (error) {
    if (!key) return;
    const [code, after] = error instanceof Refused ? [error.code, error.retryAfter] : ['unavailable', TRY_AGAIN];
    receive({ type: 'error', key, room, code, reason: error.reason, retry_after: after });
  }
}
