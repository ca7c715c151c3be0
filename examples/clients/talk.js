import { Client } from 'https://chat.example.org/static/js/parley.js';

const log = document.getElementById('log');
const { text, state } = document.getElementById('form').elements;

const client = await Client.open('https://chat.example.org', { name: `visitor-${Date.now()}`, outbox: 'visitor' });
client.on('state', (name) => (state.value = name));
const room = await client.join('lobby', { history: 20 });
room.recent.forEach(show);

document.getElementById('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const said = text.value;
  text.value = '';
  try {
    await room.send(said);
  } catch (error) {
    state.value = error.reason; // of whatever kind: a sentence for people
  }
});

for await (const message of room) show(message);

function show({ user, text }) {
  const line = document.createElement('li');
  line.textContent = `${user.name}: ${text}`;
  log.append(line);
}
