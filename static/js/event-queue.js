const ENTRIES = new Set(['message', 'edit', 'delete', 'reaction']);

/**
 * What a room's reader has not taken yet: events in order, at most `limit` of them. It has one reader.
 *
 * A reader that falls behind is not waited for, as the acknowledgements of what it says come over the same connection.
 * Past the limit what passes is dropped; the entries become a gap, as if the server had not been able to give them.
 */
export class EventQueue {
  #limit;
  #events = [];
  #end = null;
  #wake = null;

  constructor(limit) {
    this.#limit = limit;
  }

  put(event) {
    if (this.#end) return;
    if (this.#events.length >= this.#limit) {
      if (!ENTRIES.has(event.type) && event.type !== 'gap' && event.type !== 'reset') return;
      this.#collapse();
    }
    this.#events.push(event);
    this.#wake?.();
  }

  /** Nothing more comes: once all is taken, `next` throws the error, if there is one. */
  end(error = null) {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** The next event; null where no more comes. */
  async next() {
    while (this.#events.length === 0) {
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return null;
      await new Promise((resolve) => (this.#wake = resolve));
    }
    return this.#events.shift();
  }

  #collapse() {
    let reset = null;
    let gap = null;
    for (const event of this.#events) {
      if (event.type === 'reset') [reset, gap] = [event, null];
      else if (event.type === 'gap') gap = { ...event, first: gap?.first ?? event.first };
      else if (ENTRIES.has(event.type)) gap = gapFrom(event, gap);
    }
    this.#events = [reset, gap].filter((event) => event !== null);
  }
}

function gapFrom({ room, seq }, before) {
  return { type: 'gap', room, first: before?.first ?? seq, last: seq };
}
