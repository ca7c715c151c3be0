import { EventQueue } from './event-queue.js';
import { roomApi } from './room-name.js';

/** Messages in one page that fills a gap: the most that the server gives. */
const PAGE = 200;

const ENTRIES = new Set(['message', 'edit', 'delete', 'reaction']);

/**
 * A room, as whoever uses a Client has it: what is said and done in it from joining on, each event once and in order,
 * whatever happens to the connection.
 *
 * `for await (const message of room)` gives the messages alone, `room.events()` gives all. Both take from the same
 * queue, so there is one reader at a time. What nobody takes is kept within a bound, and beyond that becomes a gap.
 */
export class Room {
  #client;
  #queue;
  #cursor;
  #isBegun;
  #isRead = false;
  #members = new Map();
  #people = 0;
  #knowsPeople = false;

  /** Its name, and what it is called. */
  name;
  title;

  /** What was said last before joining. */
  recent = [];

  constructor(client, name, { cursor = null, queueLimit }) {
    this.#client = client;
    this.#queue = new EventQueue(queueLimit);
    this.#cursor = cursor;
    this.#isBegun = cursor !== null;
    this.name = name;
    this.title = name;
  }

  /** How far its reader has come, `{epoch, seq}`. Given to `Client.join` later, after a reload too, it goes on from there. */
  get cursor() {
    return this.#cursor;
  }

  /** Those present, a Map of `{id, name}` by id; at most 200 of them, while `people` counts all. */
  get members() {
    return this.#members;
  }

  get people() {
    return this.#people;
  }

  // What one says

  /**
   * Says a text, or something of another kind with data, `{kind, data}`; resolves to `{room, key, seq, at}` once it is
   * stored, however long that takes. Where it is too much for now it waits, unless it is not to be `patient`.
   *
   * It is in the outbox from the first moment. Throws Refused, Closed, OutboxFull; so do the three below.
   */
  send(said, options) {
    return this.#client.send(this.name, said, options);
  }

  /** Changes one's own message, given as it is or by its `seq`. */
  edit(target, text) {
    return this.#client.edit(this.name, target, text);
  }

  /** Deletes one's own message. */
  delete(target) {
    return this.#client.delete(this.name, target);
  }

  /** Adds a reaction to a message, or takes it back. */
  react(target, emoji, { on = true } = {}) {
    return this.#client.react(this.name, target, emoji, { on });
  }

  /** Tells that one is typing; lost where there is no connection, as `read` is. */
  typing() {
    this.#client.tell({ type: 'typing', room: this.name });
  }

  /** Tells how far one has read. */
  read(seq) {
    this.#client.tell({ type: 'read', room: this.name, seq });
  }

  // What one is told

  /**
   * The messages as they come, those in a gap too, and without those that are deleted already. After a reset it goes on
   * with the latest messages of the room that there is now. Throws Closed, RoomLost.
   */
  async *[Symbol.asyncIterator]() {
    for await (const event of this.events()) {
      if (event.type === 'gap') yield* this.between(event.first, event.last);
      else if (event.type === 'message' && !event.deleted) yield event;
    }
  }

  /**
   * All that happens: entries as the contract has them; `gap` (`{first, last}`), `reset` (`{epoch}`); and who comes,
   * goes, types and reads (`joined`, `left`, `typing`, `read`). It ends when one leaves. Throws Closed, RoomLost.
   */
  async *events() {
    if (this.#isRead) throw new Error(`Somebody reads the room ${this.name} already.`);
    this.#isRead = true;
    try {
      for (let event = await this.#queue.next(); event !== null; event = await this.#queue.next()) {
        yield event;
        this.#advance(event); // once the reader asks for the next one, this one is done with
      }
    } finally {
      this.#isRead = false;
    }
  }

  /** A page of history: `{entries, more, seq, epoch}`, the last `limit` messages before `before`, or of all. */
  history({ before, limit = 50 } = {}) {
    return this.#client.call('GET', `${roomApi(this.name)}/messages`, { query: { limit, ...(before && { before }) } });
  }

  /** The messages from `first` to `last`, as they are now, without deleted ones. */
  async *between(first, last) {
    for (let begin = first; begin <= last; begin += PAGE) {
      const end = Math.min(begin + PAGE - 1, last);
      const { entries } = await this.history({ before: end + 1, limit: PAGE });
      yield* entries.filter(({ seq, deleted }) => seq >= begin && !deleted);
    }
  }

  /** Receives it no longer. */
  leave() {
    this.#client.leave(this);
  }

  // As its client sees it

  /** Takes entries that the connection brings. */
  take(entries) {
    if (this.#isBegun) for (const entry of entries) this.#queue.put(entry);
    else this.recent.push(...entries.filter(({ type }) => type === 'message'));
  }

  /** The server has answered. */
  begin({ title, epoch, seq }) {
    this.title = title ?? this.title;
    if (!this.#isBegun) this.#cursor = { epoch, seq };
    this.#isBegun = true;
  }

  /** Takes what is no entry. */
  note(event) {
    const { type, user } = event;
    if (type === 'joined' && !this.#join(user)) return;
    if (type === 'left' && !this.#leave(user)) return;
    this.#queue.put(event);
  }

  /** Takes a whole list of those present (of `people`, which may be more), and tells who of them came and went. */
  takeMembers(members, people) {
    const before = this.#members;
    const isComparable = this.#knowsPeople && people <= members.length;
    this.#members = new Map(members.map((member) => [member.id, member]));
    this.#people = people;
    this.#knowsPeople = true;
    if (!isComparable) return;
    const tell = (type, user) => this.#queue.put({ type, room: this.name, user });
    for (const member of members) if (!before.has(member.id)) tell('joined', member);
    for (const member of before.values()) if (!this.#members.has(member.id)) tell('left', member);
  }

  /** Nothing more comes, for a reason or, without one, by one's own wish. */
  end(error) {
    this.#queue.end(error);
  }

  #join(user) {
    if (this.#members.has(user.id)) return false;
    this.#members.set(user.id, user);
    this.#people += 1;
    return true;
  }

  #leave({ id }) {
    if (!this.#members.delete(id)) return false;
    this.#people -= 1;
    return true;
  }

  #advance({ type, epoch, seq, last }) {
    if (type === 'reset') this.#cursor = { epoch, seq: 0 };
    else if (type === 'gap') this.#cursor = { ...this.#cursor, seq: last };
    else if (ENTRIES.has(type)) this.#cursor = { ...this.#cursor, seq };
  }
}
