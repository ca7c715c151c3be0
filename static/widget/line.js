import { newKey } from '../js/keys.js';
import { at, call } from './server.js';

/** How often the server is asked whether it is there (ms); a line without a word is dead. */
const PING_EVERY = 20_000;

/** So many sockets that did not open mean that something on the way lets none through. */
const SOCKETS_TRIED = 2;

/** The errors after which waiting helps. */
const PASSING = new Set(['unavailable', 'rate_limited']);

/**
 * The conversation, live: over a WebSocket, or where none gets through by long-poll. It comes back by itself and goes on
 * at its cursor; what is said is sent under its key until it is acknowledged. `on` has `entry` (each once, in order),
 * `reset`, `pending` (`{key, text, state, reason}`), `typing` (the user) and `lost` (for good).
 */
export class Line {
  #on;
  #room;
  #token;
  #seq = null;
  #epoch;
  #pending;
  #socket = null;
  #failures = 0;
  #tries = 0;
  #isOver = false;

  constructor({ room, token }, pending = [], on) {
    this.#on = on;
    this.#room = room;
    this.#token = token;
    this.#pending = pending;
  }

  get pending() {
    return this.#pending;
  }

  start() {
    for (const item of this.#pending) this.#on.pending(item);
    this.#connect();
  }

  close() {
    this.#isOver = true;
    this.#socket?.close();
  }

  say(text) {
    const item = { key: newKey(), text, state: 'sending' };
    this.#pending.push(item);
    this.#on.pending(item);
    this.#send(item);
  }

  type() {
    this.#command({ type: 'typing' });
  }

  #connect() {
    if (this.#isOver) return;
    if (this.#failures >= SOCKETS_TRIED) this.#poll();
    else this.#open();
  }

  #retry() {
    // Random, and longer each time: those of a restarted server do not all come back at once.
    setTimeout(() => this.#connect(), 200 + Math.random() * Math.min(30_000, 500 * 2 ** this.#tries));
    this.#tries += 1;
  }

  // A page can give a socket no header, so the token comes as a subprotocol.

  #open() {
    const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + at('/ws'), ['parley', `bearer.${this.#token}`]);
    let isSilent = false;
    let hasOpened = false;
    const timer = setInterval(() => {
      if (isSilent) socket.close();
      isSilent = true;
      if (hasOpened && socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    }, PING_EVERY);
    socket.onmessage = ({ data }) => {
      isSilent = false;
      const message = JSON.parse(data);
      hasOpened ||= message.type === 'welcome';
      this.#hear(message);
    };
    socket.onclose = ({ code }) => {
      clearInterval(timer);
      this.#socket = null;
      if (!hasOpened) this.#failures += 1;
      if (code === 4401 || code === 4403) this.#lose();
      else this.#retry();
    };
    this.#socket = socket;
  }

  #hear(message) {
    const { type, key, code, id } = message;
    if (type === 'welcome') {
      const from = this.#seq === null ? { history: 200 } : { after: this.#seq, epoch: this.#epoch };
      this.#socket.send(JSON.stringify({ type: 'subscribe', id: 'room', room: this.#room, ...from }));
    } else if (type === 'subscribed') this.#caughtUp(message);
    else if (type === 'ack') this.#settle(key);
    else if (type === 'typing') this.#on.typing(message.user);
    else if (type === 'error' && key) this.#refuse(message);
    else if (type === 'error' && id === 'room' && !PASSING.has(code)) this.#lose();
    else if (type === 'error' && id === 'room') this.#socket.close();
    else if (message.seq && message.at) this.#take([message]);
  }

  // By long-poll, for a while; then a socket is tried again.

  async #poll() {
    const room = encodeURIComponent(this.#room);
    const token = this.#token;
    try {
      if (this.#seq === null) this.#caughtUp(await call('GET', `/api/rooms/${room}/messages?limit=200`, { token }));
      for (let rounds = 0; rounds < 12 && !this.#isOver; rounds += 1) {
        const query = new URLSearchParams({ room: this.#room, after: this.#seq, epoch: this.#epoch, wait: 25 });
        const { rooms } = await call('GET', `/api/poll?${query}`, { token });
        this.#caughtUp(rooms[this.#room]);
      }
      this.#failures = SOCKETS_TRIED - 1;
      this.#connect();
    } catch (error) {
      if ([401, 403, 404].includes(error.status)) this.#lose();
      else this.#retry();
    }
  }

  #caughtUp({ epoch, seq, entries, reset }) {
    if (this.#isOver) return;
    if (reset) {
      this.#on.reset();
      this.#seq = 0;
    }
    this.#epoch = epoch;
    this.#take(entries);
    this.#seq = Math.max(this.#seq ?? 0, seq);
    this.#tries = 0;
    if (this.#socket) this.#failures = 0;
    for (const item of this.#pending) if (item.state === 'sending') this.#send(item);
  }

  #take(entries) {
    for (const entry of entries) {
      if (entry.seq <= this.#seq) continue;
      this.#seq = entry.seq;
      this.#settle(entry.key);
      this.#on.entry(entry);
    }
  }

  #lose() {
    if (this.#isOver) return;
    this.close();
    this.#on.lost();
  }

  // Sending

  #send({ key, text }) {
    this.#command({ type: 'send', key, text });
  }

  async #command(command) {
    if (this.#socket) {
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ ...command, room: this.#room }));
      return;
    }
    const { key } = command;
    try {
      await call('POST', `/api/rooms/${encodeURIComponent(this.#room)}/commands`, { token: this.#token, body: command });
      this.#settle(key);
    } catch ({ status, reason, wait }) {
      if (key) this.#refuse({ key, reason, code: [0, 429, 503].includes(status) && 'unavailable', retry_after: wait || 2 });
    }
  }

  #settle(key) {
    const item = key && this.#pending.find((other) => other.key === key);
    if (!item) return;
    this.#pending.splice(this.#pending.indexOf(item), 1);
    this.#on.pending({ ...item, state: 'sent' });
  }

  #refuse({ key, code, reason, retry_after: wait = 2 }) {
    const item = this.#pending.find((other) => other.key === key);
    if (!item) return;
    if (PASSING.has(code)) {
      setTimeout(() => this.#pending.includes(item) && this.#send(item), wait * 1_000);
      return;
    }
    this.#pending.splice(this.#pending.indexOf(item), 1);
    this.#on.pending({ ...item, state: 'failed', reason });
  }
}
