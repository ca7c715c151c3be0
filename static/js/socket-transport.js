/** A socket that has opened but said nothing for so long is held up by something on the way, in milliseconds. */
const WELCOME_WITHIN = 5_000;

/** How long an answer to our ping may take before the connection counts as dead, in milliseconds. */
const PONG_WITHIN = 10_000;

/** How often we ask where the server does not say how often it does, in seconds. */
const PING_EVERY = 30;

/**
 * One WebSocket for all rooms. Like every transport it is made with the site, the rooms (objects
 * `{name, seq, epoch, history}` that its owner keeps up to date; `seq` null where nothing is known yet) and three
 * hooks: `ready(welcome)` once it carries messages, `message(object)`, and `closed({code, reason, retryAfter})`,
 * last and once.
 */
export class SocketTransport {
  static title = 'ws';

  #hooks;
  #rooms;
  #socket;
  #timer;
  #pingEvery = PING_EVERY * 1_000;
  #isWelcome = false;
  #lastError = null;

  constructor(site, rooms, hooks) {
    this.#rooms = rooms;
    this.#hooks = hooks;
    this.#socket = site.socket('/ws');
    this.#socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    this.#socket.onclose = (event) => this.#finish(event.code, event.reason);
    this.#timer = setTimeout(() => this.#finish(1006, 'The WebSocket stays silent.'), WELCOME_WITHIN);
  }

  /** Starts to receive a room: from its cursor on, or from its latest messages where it has none. */
  subscribe({ name, seq, epoch, history, without }) {
    if (!this.#isWelcome) return; // all rooms are subscribed to then
    const from = seq === null ? { history } : { after: seq, epoch };
    this.send({ type: 'subscribe', id: name, room: name, ...from, ...(without.length && { without }) });
  }

  unsubscribe({ name }) {
    if (this.#isWelcome) this.send({ type: 'unsubscribe', id: name, room: name });
  }

  /** Sends one command of the contract; the answer comes through the `message` hook. */
  send(command) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(command));
  }

  /** Ends the connection without a word to the hooks. */
  close() {
    clearTimeout(this.#timer);
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close();
  }

  #receive(message) {
    if (message.type === 'welcome') this.#welcome(message);
    else if (message.type !== 'pong') this.#hooks.message(message);
    if (message.type === 'error') this.#lastError = message;
    this.#expectLife();
  }

  #welcome(message) {
    this.#isWelcome = true;
    this.#pingEvery = (message.ping || PING_EVERY) * 1_000;
    this.#hooks.ready(message);
    for (const room of this.#rooms()) this.subscribe(room);
  }

  // The server's own pings are invisible to a page, so a silent line is asked whether it lives.
  #expectLife() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.send({ type: 'ping' });
      this.#timer = setTimeout(() => this.#finish(4000, 'The server does not answer.'), PONG_WITHIN);
    }, this.#pingEvery);
  }

  #finish(code, reason) {
    this.close();
    const { reason: said, retry_after: retryAfter } = this.#lastError ?? {};
    this.#hooks.closed({ code, reason: reason || said || '', retryAfter });
  }
}
