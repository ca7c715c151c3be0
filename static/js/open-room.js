import { namesInWords } from './names.js';
import { roomKey } from './room-name.js';
import { Timeline } from './timeline.js';

/** Who has said "typing" is taken to be typing for so long, in milliseconds. */
const TYPING_LASTS = 5_000;

/**
 * After a break in the connection others may be slower to come back than we are. Until so long has passed
 * their coming is no news, in milliseconds: the longest wait between two tries, twice.
 */
const RETURN_WITHIN = 60_000;

/** A room that is open in this page: its log, who is there, the draft, and how much is unread. */
export class OpenRoom {
  #members = new Map();
  #typing = new Map();
  #missing = new Map();

  timeline = new Timeline();
  people = 0;

  /** Whether the server has answered the subscription. */
  hasArrived = false;

  /** What one may do here, as RoomRules has it; null until that is known. */
  rules = null;

  /** Why one is not, or no longer, in the room, `{code, reason}`; null where one is. */
  out = null;

  /** What is shown between the messages and is none, `{id, at, by, text}`: notes of a support desk's agents. */
  asides = [];

  /** How many messages have come while nobody was looking at this room. */
  unread = 0;

  /** How far from the end its reader was when another room was shown (CSS pixels), or null for at the end. */
  place = null;

  constructor(name, draft = '') {
    this.name = name;
    this.title = name;
    this.draft = draft;
  }

  get key() {
    return roomKey(this.name);
  }

  /** Those present, by name: `{id, name}`. At most 200 of them; `people` counts all. */
  get members() {
    return [...this.#members.values()].sort((one, other) => one.name.localeCompare(other.name));
  }

  /** Takes in a whole list of those present; returns who of them is new and who is missing, as `[joined, left]`. */
  setMembers(members, people) {
    const before = this.#members;
    this.#members = new Map(members.map((member) => [member.id, member]));
    this.people = people;
    const joined = members.filter(({ id }) => !before.has(id));
    const left = [...before.values()].filter(({ id }) => !this.#members.has(id));
    return [joined, left];
  }

  /** Takes in the list of those present after a break in the connection; returns who has come meanwhile. */
  resume(members, people) {
    const [joined, left] = this.setMembers(members, people);
    for (const { id } of left) this.#missing.set(id, performance.now() + RETURN_WITHIN);
    return joined;
  }

  /** Notes that somebody came; says whether that is news. */
  join(user) {
    if (this.#members.has(user.id)) return false;
    this.#members.set(user.id, user);
    this.people += 1;
    const isReturn = this.#missing.get(user.id) > performance.now();
    this.#missing.delete(user.id);
    return !isReturn;
  }

  /** Notes that somebody went; says false where they were not here. */
  leave(user) {
    this.stopTyping(user);
    if (!this.#members.delete(user.id)) return false;
    this.people -= 1;
    return true;
  }

  /** Notes that somebody is typing; `onEnd()` is called when they seem to have stopped. */
  startTyping(user, onEnd) {
    this.stopTyping(user);
    const timer = setTimeout(() => {
      this.stopTyping(user);
      onEnd();
    }, TYPING_LASTS);
    this.#typing.set(user.id, { name: user.name, timer });
  }

  stopTyping({ id }) {
    clearTimeout(this.#typing.get(id)?.timer);
    this.#typing.delete(id);
  }

  /** "ann is typing", "ann and bob are typing", or "". */
  get typingInWords() {
    const names = [...this.#typing.values()].map(({ name }) => name);
    if (names.length === 0) return '';
    return `${namesInWords(names)} ${names.length === 1 ? 'is' : 'are'} typing…`;
  }
}
