import { newKey } from '../js/keys.js';
import { Line } from './line.js';
import { call } from './server.js';
import { Talk } from './talk.js';

const $ = (id) => document.getElementById(id);
const { desk } = document.body.dataset;
const place = `parley.desk.${desk}`;
const isFramed = parent !== window;
const TYPING_EVERY = 3_000;
const TYPING_LASTS = 5_000;

const talk = new Talk();
const shelf = ownShelf();
let kept = {};
let embedder = null;
let hasBegun = false;
let line = null;
let unread = 0;
let lastSeq = 0;
let isShown = !isFramed;
let page = '';
let typedAt = 0;
let typingTimer;
let beginning = newKey();

paint(new URLSearchParams(location.search));
$('start').addEventListener('submit', (event) => {
  event.preventDefault();
  open(new FormData(event.target));
});
$('compose').addEventListener('submit', (event) => {
  event.preventDefault();
  say();
});
$('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});
$('text').addEventListener('input', () => {
  if (!$('text').value || Date.now() - typedAt < TYPING_EVERY) return;
  typedAt = Date.now();
  line?.type();
});
$('close').addEventListener('click', () => tell({ parley: 'close' }));
$('forget').addEventListener('click', () => forget());
$('transcript').addEventListener('click', save);
addEventListener('keydown', (event) => event.key === 'Escape' && tell({ parley: 'close' }));
addEventListener('message', ({ source, origin, data }) => {
  if (source !== parent || !isFramed) return;
  embedder = origin;
  if (!hasBegun) start(data.kept);
  page = data.page ?? page;
  isShown = data.parley === 'opened';
  if (!isShown) return;
  count(0);
  if (!document.activeElement.matches('input, textarea')) focus(); // who writes already is left there
});

$('close').hidden = !isFramed;
if (shelf || !isFramed) start(shelf?.getItem(place));

// Beginning and coming back

function start(text) {
  hasBegun = true;
  kept = parsed(text) ?? {};
  if (kept.token) resume();
  else begin();
}

function begin() {
  $('start').hidden = false;
  $('talk').hidden = true;
  tell({ parley: 'begun', begun: false });
}

async function open(fields) {
  const button = $('start').querySelector('button');
  button.disabled = true;
  $('trouble').textContent = '';
  const body = { key: beginning, text: fields.get('text'), name: fields.get('name'), email: fields.get('email'), page };
  try {
    const { token, room, user } = await call('POST', `/api/desks/${desk}/conversations`, { body });
    keep({ token, room, me: user.id });
    $('start').reset();
    beginning = newKey();
    live('waiting');
    focus();
  } catch ({ reason }) {
    $('trouble').textContent = reason;
  } finally {
    button.disabled = false;
  }
}

async function resume() {
  const { token, room } = kept;
  try {
    const { state, agent } = await call('GET', `/api/conversations/${room}/own`, { token });
    live(state, agent);
  } catch ({ status }) {
    if ([401, 403, 404].includes(status)) forget();
    else live('');
  }
}

function live(state) {
  $('start').hidden = true;
  $('talk').hidden = false;
  tell({ parley: 'begun', begun: true });
  if (state === 'waiting') $('status').textContent = waiting();
  line = new Line(kept, kept.pending, {
    entry: take,
    reset: () => talk.clear(),
    pending: (item) => {
      talk.pend(item);
      keep({ pending: line.pending });
    },
    typing: ({ id, name }) => id !== kept.me && typing(`${name} is typing…`),
    lost: forget,
  });
  line.start();
}

function waiting() {
  if (document.body.dataset.state === 'open') return 'Thank you! Somebody will be with you in a moment.';
  return 'Thank you! We will answer here when we are back, or by e-mail if you left an address.';
}

function forget() {
  line?.close();
  line = null;
  kept = {};
  keep({});
  talk.clear();
  count(0);
  begin();
  focus();
}

// Talking

function say() {
  const text = $('text').value.trim();
  if (!text || !line) return;
  line.say(text);
  $('text').value = '';
  typedAt = 0;
}

function take(entry) {
  const isNews = talk.take(entry, kept.me);
  if (entry.type !== 'message') return;
  if (entry.user.id !== kept.me) $('status').textContent = '';
  typing('');
  if (!isNews || entry.seq <= (kept.seen ?? 0)) return;
  if (isShown && !document.hidden) keep({ seen: entry.seq });
  else count(unread + 1, entry.seq);
}

function count(number, seq) {
  unread = number;
  lastSeq = seq ?? lastSeq;
  if (number === 0 && lastSeq) keep({ seen: lastSeq });
  tell({ parley: 'unread', unread });
}

function typing(words) {
  clearTimeout(typingTimer);
  $('typing').textContent = words;
  if (words) typingTimer = setTimeout(() => typing(''), TYPING_LASTS);
}

async function save() {
  const { token, room } = kept;
  const file = await call('GET', `/api/conversations/${room}/transcript`, { token, read: (answer) => answer.blob() });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = `${desk}.txt`;
  link.click();
  URL.revokeObjectURL(link.href);
}

// Around it

function focus() {
  if (isShown) (line ? $('text') : $('start').elements.text).focus();
}

function tell(message) {
  if (isFramed) parent.postMessage(message, '*'); // nothing in it is a secret, and who the parent is nobody says
}

// A browser that keeps nothing for frames of other sites throws here.
function ownShelf() {
  try {
    localStorage.getItem(place);
    return localStorage;
  } catch {
    return null;
  }
}

// Where the frame has no storage the page around it keeps this for it: one that may show the frame, see frame-ancestors.
function keep(changes) {
  kept = { ...kept, ...changes };
  const text = JSON.stringify(kept);
  if (shelf) shelf.setItem(place, text);
  else if (embedder) parent.postMessage({ parley: 'keep', kept: text }, embedder);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// The colours that the loader was given: of the head and the buttons, and of the ink on them.
function paint(query) {
  for (const name of ['accent', 'on']) {
    const colour = query.get(name) ?? '';
    if (/^#[0-9a-f]{6}$/i.test(colour)) document.documentElement.style.setProperty(`--${name}`, colour);
  }
}
