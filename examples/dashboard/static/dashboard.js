const MINUTE = 60_000;

/** One room on the dashboard: how many are in it, how much is said, and what was said last. */
class Tile {
  #element;
  #times = [];
  #people = new Set();

  constructor(element) {
    this.#element = element;
  }

  get room() {
    return this.#element.dataset.room;
  }

  /** Takes an event of the stream, as docs/protocol.md of Parley has it. */
  take(event) {
    if (event.type === 'subscribed') {
      this.#people = new Set(event.members.map(({ id }) => id));
      this.#show('people', this.#people.size);
      this.#show('seq', event.seq);
    } else if (event.type === 'joined' || event.type === 'left') {
      if (event.type === 'joined') this.#people.add(event.user.id);
      else this.#people.delete(event.user.id);
      this.#show('people', this.#people.size);
    } else if (event.seq) {
      this.#show('seq', event.seq);
      if (event.type === 'message') this.#say(event);
    }
  }

  /** Counts what was said in the last minute. */
  tick() {
    this.#times = this.#times.filter((at) => Date.now() - at < MINUTE);
    this.#show('minute', this.#times.length);
  }

  #say({ user, text, kind, at }) {
    this.#times.push(at);
    this.#element.querySelector('.latest').textContent = `${user.name}: ${text ?? kind}`;
    this.tick();
  }

  #show(figure, value) {
    this.#element.querySelector(`[data-figure="${figure}"]`).textContent = value;
  }
}

const tiles = [...document.querySelectorAll('[data-room]')].map((element) => new Tile(element));
const query = new URLSearchParams(tiles.map(({ room }) => ['room', room]));
query.append('username', `dashboard-${crypto.getRandomValues(new Uint32Array(1))[0]}`);
query.append('history', '1');

// The browser comes back by itself after an outage, and the stream goes on from the last event that it had.
const stream = new EventSource(`/talk/api/stream?${query}`);
const state = document.getElementById('state');
stream.onopen = () => (state.textContent = 'Live');
stream.onerror = () => (state.textContent = 'Connecting…');
stream.onmessage = ({ data }) => {
  const event = JSON.parse(data);
  tiles.find(({ room }) => room.toLowerCase() === event.room?.toLowerCase())?.take(event);
};
setInterval(() => tiles.forEach((tile) => tile.tick()), 5_000);
