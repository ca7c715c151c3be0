import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId } from './dom.js';
import { notice, tell } from './notice.js';
import { pagePath } from './site.js';
import { showTitle } from './title-badge.js';

/** Ties the parts of a page with a conversation together: what happens in one is passed on to the others. */
export class RoomView {
  #parts;
  #typing = byId('typing');

  constructor(parts) {
    this.#parts = parts;
    this.#followRooms();
    this.#followFeed();
    this.#followLog();
    this.#followComposer();
    this.#followRules();
    document.addEventListener('visibilitychange', () => this.#seen());
  }

  get #room() {
    return this.#parts.rooms.shown;
  }

  #followRooms() {
    const { rooms, connection, tabs, chooser } = this.#parts;
    rooms.on('opened', (room) => connection.subscribe(room.name));
    rooms.on('closed', (room) => connection.unsubscribe(room.name));
    rooms.on('closed', () => this.#showTabs());
    rooms.on('emptied', () => location.assign(pagePath('/')));
    rooms.on('shown', (room) => this.#show(room));
    tabs.on('show', (room) => rooms.show(room.name));
    tabs.on('close', (room) => rooms.close(room));
    chooser.on('chosen', (name) => rooms.show(name));
    connection.on('welcome', ({ limits }) => this.#setLimit(limits));
    connection.on('refused', (refusal) => this.#refused(refusal));
    connection.on('subscribed', ({ room }) => this.#isIn(rooms.get(room)));
  }

  #followFeed() {
    const { feed, outbox, log, news, rooms } = this.#parts;
    const ifShown = (show) => (room) => room === this.#room && show(room);
    feed.on('changed', ({ room, quietly }) => room === this.#room && log.refresh({ quietly }));
    feed.on('people', ifShown((room) => this.#showPeople(room)));
    feed.on('typing', ifShown((room) => this.#showTyping(room)));
    feed.on('unread', () => this.#showTabs());
    feed.on('news', ({ room, count }) => room === this.#room && news.add(count));
    outbox.on('change', (name) => rooms.get(name) === this.#room && log.refresh());
    outbox.on('failed', ({ command, reason }) => command.type !== 'send' && this.#changeFailed(command, reason));
    outbox.on('refused', ({ room, code }) => this.#isAboutRules(rooms.get(room), code));
    outbox.on('settled', ({ item, ack }) => this.#settled(item, ack));
  }

  #followLog() {
    const { log, actions, outbox, pager, composer } = this.#parts;
    const inRoom = (type, fields) => outbox.add({ type, room: this.#room.name, ...fields });
    log.on('older', () => this.#page((room) => pager.older(room)));
    actions.on('older', () => this.#page((room) => pager.older(room)));
    actions.on('fill', (gap) => this.#page((room) => pager.fill(room, gap)));
    actions.on('edit', (seq) => composer.edit(this.#room.timeline.message(seq)));
    actions.on('react', ({ seq, emoji, on }) => inRoom('react', { target: seq, emoji, on }));
    actions.on('retry', (key) => outbox.retry(key));
    actions.on('discard', (key) => outbox.discard(key));
    actions.on('delete', (seq) => {
      const room = this.#room.name;
      const act = () => outbox.add({ type: 'delete', room, target: seq });
      confirm({ question: 'Delete this message for everybody?', action: 'Delete', act });
    });
  }

  #followComposer() {
    const { composer, outbox, log, connection, rooms } = this.#parts;
    composer.on('send', (text) => {
      outbox.add({ type: 'send', room: this.#room.name, text });
      log.toEnd();
    });
    composer.on('edit', ({ seq, text }) => {
      if (text === this.#room.timeline.message(seq)?.text) return;
      outbox.add({ type: 'edit', room: this.#room.name, target: seq, text });
    });
    composer.on('typing', () => connection.send({ type: 'typing', room: this.#room.name }));
    composer.on('draft', (text) => {
      this.#room.draft = text;
      rooms.store();
    });
    composer.on('edit-last', () => {
      const last = this.#room.timeline.messages.findLast((message) => this.#canEdit(message));
      if (last) composer.edit(last);
    });
  }

  #followRules() {
    const { rules, actions, people, profiles, card, moderation, out, connection } = this.#parts;
    const about = (user) => card.open(user, { canModerate: Boolean(this.#room.rules?.rights.moderate) });
    rules.on('changed', (room) => room === this.#room && this.#showRules(room));
    actions.on('profile', (seq) => about(this.#room.timeline.message(seq).user));
    actions.on('remove', (seq) => moderation.remove(seq));
    actions.on('report', (seq) => moderation.report(seq));
    people.on('profile', about);
    profiles.on('changed', () => this.#room && this.#showPeople(this.#room));
    card.on('message', (user) => this.#openDirect(user));
    for (const act of ['mute', 'kick', 'ban']) card.on(act, (user) => moderation.sanction(act, user));
    out.on('again', () => connection.subscribe(this.#room.name));
  }

  #canEdit({ user, text, deleted }) {
    return user.id === this.#parts.session.user.id && text !== undefined && !deleted;
  }

  #show(room) {
    const { log, composer, news, out, rules } = this.#parts;
    composer.open(room.draft);
    this.#showRules(room);
    out.update(room);
    if (room.hasArrived) rules.ask(room);
    news.clear();
    log.show(room);
    this.#showPeople(room);
    this.#showTyping(room);
    this.#seen();
    composer.focus();
  }

  #seen() {
    if (!this.#room) return;
    if (!document.hidden) this.#room.unread = 0;
    this.#showTabs();
  }

  #showTabs() {
    const { tabs, rooms, head } = this.#parts;
    head.update(this.#room);
    tabs.update(rooms.all, this.#room);
    showTitle(this.#room, rooms.all);
  }

  #showPeople(room) {
    this.#parts.people.update(room, this.#parts.session.user);
    this.#showTabs();
  }

  #showTyping(room) {
    this.#typing.textContent = room.typingInWords;
  }

  #setLimit(limits) {
    if (limits?.text) this.#parts.composer.limit = limits.text;
  }

  #settled({ command, ...item }, ack) {
    const room = this.#parts.rooms.get(command.room);
    if (room && command.type === 'send') this.#parts.feed.settle(room, { command, ...item }, ack);
  }

  // What cannot be sent may be for a rule of the room that is new.
  #isAboutRules(room, code) {
    if (room && (code === 'forbidden' || code === 'rate_limited')) this.#parts.rules.ask(room);
  }

  #changeFailed({ type, key }, reason) {
    this.#parts.outbox.discard(key);
    notice(`That did not work (${type}): ${reason}`);
  }

  // A room that was never opened is closed again where there are others; from one that is lost a panel leads on.
  #refused({ room: name, code, reason }) {
    const { rooms } = this.#parts;
    const room = rooms.get(name);
    if (!room) return;
    if (!room.hasArrived && rooms.all.length > 1) {
      notice(`The room ${room.title} cannot be opened: ${reason}`);
      rooms.close(room);
      return;
    }
    room.out = { code, reason };
    room.setMembers([], 0);
    if (room !== this.#room) {
      notice(`You are out of ${room.title}: ${reason}`);
      return;
    }
    this.#showPeople(room);
    this.#parts.out.update(room);
  }

  #isIn(room) {
    if (!room?.out) return;
    room.out = null;
    if (room === this.#room) this.#show(room);
  }

  #showRules(room) {
    const { composer, notice: line, log } = this.#parts;
    this.#showTabs();
    composer.isBlocked = line.update(room) !== '';
    log.refresh({ quietly: true });
  }

  async #openDirect({ id }) {
    try {
      const { name } = await call('POST', '/api/direct', { body: { people: [id] } });
      this.#parts.rooms.show(name);
    } catch (error) {
      tell(error);
    }
  }

  async #page(fetch) {
    const room = this.#room;
    try {
      if ((await fetch(room)) && room === this.#room) this.#parts.log.refresh({ quietly: true });
    } catch (error) {
      notice(`Older messages could not be loaded: ${error.reason ?? error}`);
    }
  }
}
