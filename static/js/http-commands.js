import { roomApi } from './room-name.js';

/** Seconds to wait before a command is sent again that may not have reached the server. */
const TRY_AGAIN = 2;

/**
 * Sends a command of the contract by HTTP and hands its answer to `receive` in the form a WebSocket
 * would bring it: an `ack`, or an `error` with the command's key. Commands without a key are not answered.
 */
export async function postCommand(site, { room, ...command }, receive) {
  try {
    const ack = await site.call('POST', `${roomApi(room)}/commands`, { body: command });
    if (command.key) receive({ ...ack, type: 'ack', key: command.key, room });
  } catch (error) {
    if (!command.key) return;
    const reached = error.status !== 0;
    receive({
      type: 'error',
      key: command.key,
      room,
      code: reached ? error.code : 'unavailable',
      reason: error.reason,
      retry_after: reached ? error.retryAfter : TRY_AGAIN,
    });
  }
}
