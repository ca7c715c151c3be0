import { roomApi } from './room-name.js';

/**
 * Where the logs of some rooms end, at once: `{"<name>": {epoch, seq, members, people}}`. It is asked by
 * those who have no WebSocket to tell them who is there.
 */
export async function roomEnds(site, rooms, signal) {
  const query = [...rooms.map(({ name }) => ['room', name]), ...rooms.map(() => ['after', -1]), ['members', 1]];
  return (await site.call('GET', '/api/poll', { query, signal })).rooms;
}

/** A `subscribed` message for a room of which nothing is known yet, put together from its end and its latest page. */
export async function firstSight(site, { name, history, without }, end, signal) {
  const { title } = await site.call('GET', roomApi(name), { signal });
  const subscribed = { type: 'subscribed', room: name, title, gap: null, reset: false, entries: [], ...end };
  if (end.seq === 0 || history === 0) return subscribed;
  const query = [['limit', history], ...without.map((kind) => ['without', kind])];
  const page = await site.call('GET', `${roomApi(name)}/messages`, { query, signal });
  return { ...subscribed, epoch: page.epoch, seq: page.seq, entries: page.entries };
}
