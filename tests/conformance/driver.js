// Runs in a page of another site: clients of the parley.js of the server at `site`, driven from outside through
// `window.driver`. `told(id, room, event)` hands on what they are told, in order.
async (site) => {
  const running = new Set();

  // What is started in this page, for as long as it runs. Before the module is loaded, so that nothing of it goes unseen.
  const start = (window, what, begin, end) => {
    const [begins, ends] = [window[begin], window[end]];
    window[begin] = (work, ...rest) => {
      const entry = { what: `${what} ${rest[0]}` };
      const id = begins(begin === 'setTimeout' ? (...given) => (running.delete(entry), work(...given)) : work, ...rest);
      running.add(Object.assign(entry, { id }));
      return id;
    };
    window[end] = (id) => {
      ends(id);
      for (const entry of running) if (entry.id === id && entry.what.startsWith(what)) running.delete(entry);
    };
  };
  start(window, 'timer', 'setTimeout', 'clearTimeout');
  start(window, 'interval', 'setInterval', 'clearInterval');
  const fetching = window.fetch;
  window.fetch = async (address, options) => {
    const entry = { what: `request ${options?.method} ${address}` };
    running.add(entry);
    try {
      const response = await fetching(address, options);
      if (String(address).includes('/api/stream')) {
        running.add((entry.stream = { what: 'stream' }));
        options.signal.addEventListener('abort', () => running.delete(entry.stream));
      }
      return response;
    } finally {
      running.delete(entry);
    }
  };
  const Opening = window.WebSocket;
  window.WebSocket = class extends Opening {
    constructor(...given) {
      super(...given);
      const entry = { what: 'socket' };
      running.add(entry);
      this.addEventListener('close', () => running.delete(entry));
    }
  };

  const { Client, Closed, ParleyError } = await import(`${site}/static/js/parley.js`);
  const clients = new Map();

  const plain = (error) => {
    if (!(error instanceof ParleyError)) throw error;
    const { name, code, reason, retryAfter = null } = error;
    return { kind: name, code, reason, retry_after: retryAfter };
  };
  const tried = async (work) => {
    try {
      return { answer: (await work()) ?? null };
    } catch (error) {
      return { error: plain(error) };
    }
  };
  const read = async (id, asked, room) => {
    try {
      for await (const event of room.events()) await window.told(id, asked, event);
      await window.told(id, asked, { type: 'over' });
    } catch (error) {
      await window.told(id, asked, { type: 'over', error: plain(error) });
    }
  };

  window.driver = {
    open: (id, address, options) =>
      tried(async () => {
        const client = await Client.open(address, options);
        client.on('state', (state) => window.told(id, '', { type: 'state', state }));
        clients.set(id, { client, rooms: new Map() });
      }),

    join: (id, name, options) =>
      tried(async () => {
        const { client, rooms } = clients.get(id);
        const room = await client.join(name, options);
        if (![...rooms.values()].includes(room)) read(id, name, room);
        rooms.set(name, room);
        const members = [...room.members.values()].map((person) => person.name);
        return { name: room.name, title: room.title, people: room.people, members, recent: room.recent };
      }),

    do: (id, call, name, given) =>
      tried(() => {
        const { client, rooms } = clients.get(id);
        return rooms.has(name) ? rooms.get(name)[call](...given) : client[call](name, ...given);
      }),

    messages: (id, call, name, given) =>
      tried(async () => {
        const room = clients.get(id).rooms.get(name);
        if (call === 'history') return (await room.history(...given)).entries;
        return Array.fromAsync(room.between(...given));
      }),

    call: (id, method, path, body) => tried(() => clients.get(id).client.call(method, path, { body })),

    facts: (id) => {
      const { user, token, state, transport, unsent, closed } = clients.get(id).client;
      const why = closed instanceof Closed ? { code: closed.code, reason: closed.reason } : closed;
      return { user, token, state, transport, unsent, closed: why };
    },

    cursor: (id, name) => clients.get(id).rooms.get(name).cursor,

    close: (id) => tried(() => clients.get(id)?.client.close()),

    running: () => [...running].map(({ what }) => what),
  };
}
