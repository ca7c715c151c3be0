/**
 * Everything here that speaks to a server of Parley and needs no page: for the pages, for those of others, and for
 * Node.js from version 20 on. docs/clients.md shows how to use it, docs/protocol.md what goes over the wire.
 */
export { Client } from './client.js';
export { Connection } from './connection.js';
export { changed } from './message-changes.js';
export { Outbox } from './outbox.js';
export { ApiError, Site } from './site.js';
