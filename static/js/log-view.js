import { byId, setAttribute } from './dom.js';
import { Emitter } from './emitter.js';
import { logItems } from './log-items.js';
import { lineFor } from './log-lines.js';
import { MessageView } from './message-view.js';
import { ScrollKeeper } from './scroll-keeper.js';

/** A page in the background is brought up to date this often, as it draws no frames; in milliseconds. */
const HIDDEN_EVERY = 250;

/** So close to the top older messages are wanted, in CSS pixels. */
const NEAR_TOP = 300;

/**
 * The log of the room that is shown. It draws at most once a frame, and only what differs. Emits `older`
 * (the reader nears the top), and `moved` when it has been scrolled or drawn.
 */
export class LogView extends Emitter {
  #log = byId('log');
  #keeper = new ScrollKeeper(this.#log, () => this.#moved());
  #views = new Map();
  #room = null;
  #outbox;
  #session;
  #profiles;
  #isDue = false;
  #isQuiet = false;

  constructor({ outbox, session, profiles }) {
    super();
    this.#outbox = outbox;
    this.#session = session;
    this.#profiles = profiles;
    profiles.on('changed', () => this.refresh({ quietly: true }));
  }

  get isAtEnd() {
    return this.#keeper.isAtEnd;
  }

  /** Shows another room, where its reader was when it was last shown. */
  show(room) {
    if (this.#room) this.#room.place = this.#keeper.place;
    this.#room = room;
    setAttribute(this.#log, 'aria-label', `Messages in ${room.title}`);
    for (const view of this.#views.values()) view.element.remove();
    this.#views.clear();
    this.#draw({ quietly: true });
    this.#keeper.toPlace(room.place);
  }

  /** Brings the log up to date with the next frame; `quietly`: without a screen reader saying what is new. */
  refresh({ quietly = false } = {}) {
    this.#isQuiet ||= quietly;
    if (this.#isDue || !this.#room) return;
    this.#isDue = true;
    const draw = () => {
      this.#isDue = false;
      this.#draw({ quietly: this.#isQuiet });
    };
    if (document.hidden) setTimeout(draw, HIDDEN_EVERY);
    else requestAnimationFrame(draw);
  }

  /** Scrolls to the last message. */
  toEnd() {
    this.#keeper.toEnd();
  }

  #draw({ quietly }) {
    this.#isQuiet = false;
    this.#room.timeline.trim({ isReading: !this.isAtEnd });
    const items = logItems(this.#room, this.#outbox.messagesOf(this.#room.name), this.#session.user);
    setAttribute(this.#log, 'aria-live', quietly ? 'off' : 'polite');
    setAttribute(this.#log, 'aria-busy', quietly);
    this.#keeper.hold(() => this.#place(items));
    // The region speaks again once the quiet additions have been seen by whoever listens to it.
    if (quietly) setTimeout(() => this.#speakAgain(), HIDDEN_EVERY);
    this.#moved();
  }

  #speakAgain() {
    setAttribute(this.#log, 'aria-live', 'polite');
    setAttribute(this.#log, 'aria-busy', false);
  }

  #place(items) {
    const wanted = new Set(items.map(({ id }) => id));
    for (const [id, view] of this.#views) {
      if (wanted.has(id)) continue;
      view.element.remove();
      this.#views.delete(id);
    }
    let next = this.#log.firstElementChild;
    for (const item of items) {
      const { element } = this.#updated(item);
      if (element === next) next = next.nextElementSibling;
      else this.#log.insertBefore(element, next);
    }
  }

  #updated(item) {
    const view = this.#views.get(item.id) ?? this.#newView(item);
    this.#views.set(item.id, view);
    view.update(item.kind === 'message' ? { ...item, profile: this.#profiles.of(item.message.user) } : item);
    return view;
  }

  #newView({ kind }) {
    return kind === 'message' ? new MessageView(this.#session) : lineFor(kind);
  }

  #moved() {
    if (this.#log.scrollTop < NEAR_TOP && this.#room?.timeline.hasOlder) this.emit('older');
    this.emit('moved');
  }
}
