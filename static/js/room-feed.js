import { isDrawn } from './drawn.js';
import { Emitter } from './emitter.js';

/**
 * Takes what the connection brings into the open rooms. Emits `changed` (`{room, quietly}`: the log),
 * `people`, `typing` and `unread` (the room), and `news` (`{room, count}`: messages of others have come).
 */
export class RoomFeed extends Emitter {
  #rooms;
  #session;
  #pager;

  constructor({ connection, rooms, session, pager }) {
    super();
    this.#rooms = rooms;
    this.#session = session;
    this.#pager = pager;
    const withRoom = (take) => (event) => {
      const room = rooms.get(event.room);
      if (room) take(room, event);
    };
    connection.on('reset', withRoom((room) => room.timeline.clear()));
    connection.on('gap', withRoom((room, { gap }) => this.#gap(room, gap)));
    connection.on('entries', withRoom((room, event) => this.#entries(room, event)));
    connection.on('subscribed', withRoom((room, event) => this.#subscribed(room, event)));
    connection.on('people', withRoom((room, event) => this.#people(room, event)));
    connection.on('joined', withRoom((room, { user }) => this.#joined(room, user)));
    connection.on('left', withRoom((room, { user }) => this.#left(room, user)));
    connection.on('typing', withRoom((room, { user }) => this.#typing(room, user)));
  }

  /** Shows one's own message, just acknowledged, in its place without waiting for its entry. */
  settle(room, { command: { text, key }, at: saidAt }, { seq, at = saidAt }) {
    const { timeline } = room;
    if (timeline.message(seq) || seq < timeline.firstSeq) return;
    timeline.take([{ type: 'message', kind: 'text', seq, at, key, text, user: this.#session.user }]);
    this.emit('changed', { room });
  }

  #subscribed(room, { title, members, people, isFirst }) {
    room.hasArrived = true;
    room.title = title ?? room.title;
    if (members) this.#people(room, { members, people, isFirst, isReturn: !isFirst });
    this.emit('changed', { room, quietly: isFirst });
  }

  async #gap(room, gap) {
    room.timeline.addGap(gap);
    this.emit('changed', { room });
    // Where this fails the line in the log still offers to load what is missing.
    await this.#pager.renew(room, gap).catch(() => false);
    this.emit('changed', { room, quietly: true });
  }

  #entries(room, { entries: all, isFirst }) {
    const entries = all.filter((entry) => !isDrawn(entry));
    if (entries.length === 0) return;
    room.timeline.take(entries);
    // A room nobody looks at has no reader who could lose their place.
    if (room !== this.#rooms.shown) room.timeline.trim({ isReading: false });
    const messages = entries.filter(({ type }) => type === 'message');
    for (const { user } of messages) room.stopTyping(user);
    this.emit('typing', room);
    this.emit('changed', { room, quietly: isFirst });
    const count = messages.filter(({ user }) => user.id !== this.#session.user.id).length;
    if (isFirst || count === 0) return;
    if (document.hidden || room !== this.#rooms.shown) room.unread += count;
    this.emit('unread', room);
    this.emit('news', { room, count });
  }

  #people(room, { members, people, isFirst, isReturn }) {
    const [joined, left] = isReturn ? [room.resume(members, people), []] : room.setMembers(members, people);
    this.emit('people', room);
    if (isFirst) return;
    for (const user of joined) this.#note(room, 'joined', user);
    for (const user of left) this.#note(room, 'left', user);
  }

  #joined(room, user) {
    const isNews = room.join(user);
    this.emit('people', room);
    if (isNews) this.#note(room, 'joined', user);
  }

  #left(room, user) {
    const isNews = room.leave(user);
    this.emit('people', room);
    this.emit('typing', room);
    if (isNews) this.#note(room, 'left', user);
  }

  #note(room, kind, user) {
    if (user.id === this.#session.user.id) return;
    room.timeline.addNote(kind, user, Date.now());
    this.emit('changed', { room });
  }

  #typing(room, user) {
    if (user.id === this.#session.user.id) return;
    room.startTyping(user, () => this.emit('typing', room));
    this.emit('typing', room);
  }
}
