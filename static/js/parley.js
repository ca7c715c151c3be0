/**
 * Everything here that speaks to a server of Parley and needs no page: for the pages, for those of others, and for
 * Node.js from version 20 on. docs/clients.md shows how to use it, docs/protocol.md what goes over the wire.
 */
export { Client } from './client.js';
export { Connection } from './connection.js';
export { Closed, OutboxFull, ParleyError, Refused, RoomLost, Unreachable } from './errors.js';
export { changed } from './message-changes.js';
export { Outbox } from './outbox.js';
export { Room } from './room.js';
export { Site } from './site.js';
