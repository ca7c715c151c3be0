import { isSameDay } from './when.js';

/** Messages of one person belong together while no more than this lies between them, in milliseconds. */
const TOGETHER = 5 * 60_000;

/**
 * What the log shows, from top to bottom, as plain objects `{id, kind, …}` with an `id` that stays with
 * what it stands for: "top" (`isLoading`, `hasOlder`), "gap" (`gap`), "day" (`at`), "presence" (`notes`), "event" (what
 * has become of a conversation with a support desk, `message`), "aside" (a note about it, `note`), "message"
 * (`message`, `isOwn`, `isGrouped`, `canRemove`, and for what is not acknowledged `state`, `reason` and `wait`, seconds).
 *
 * `room` is an OpenRoom, `pending` are the outbox's items, `me` the person at this page `{id, name}`.
 */
export function logItems({ timeline, hasArrived, rules, asides }, pending, me) {
  const canModerate = Boolean(rules?.rights.moderate);
  const items = [{ id: 'top', kind: 'top', isLoading: !hasArrived, hasOlder: timeline.hasOlder }];
  const gaps = [...timeline.gaps];
  const left = [...asides];
  const notes = groupedNotes(timeline.notes);
  const addNotes = (after) => {
    if (notes.has(after)) items.push({ id: `presence-${after}`, kind: 'presence', notes: notes.get(after) });
  };

  addNotes(0);
  for (const message of timeline.messages) {
    while (gaps.length && gaps[0][1] < message.seq) items.push(gapItem(gaps.shift()));
    while (left.length && left[0].at < message.at) items.push(asideItem(left.shift()));
    const isOwn = message.user.id === me.id;
    if (message.kind?.startsWith('desk.')) items.push({ id: `event-${message.seq}`, kind: 'event', message });
    else addMessage(items, { message, isOwn, canRemove: canModerate && !isOwn, state: message.key ? 'sent' : null });
    addNotes(message.seq);
  }
  items.push(...gaps.map(gapItem), ...left.map(asideItem));
  for (const item of pending) addMessage(items, pendingMessage(item, me));
  return items;
}

function pendingMessage({ command, at, state, reason, wait }, user) {
  const message = { seq: null, user, at, key: command.key, text: command.text };
  return { message, isOwn: true, canRemove: false, state, reason, wait };
}

function addMessage(items, { message, ...rest }) {
  const last = items.at(-1);
  const isNewDay = !isSameDay(lastAt(items), message.at);
  if (isNewDay) items.push({ id: `day-${message.seq ?? message.key}`, kind: 'day', at: message.at });
  items.push({
    // One's own message keeps its key when it gets its number, and so its place in the page.
    id: message.key ?? `message-${message.seq}`,
    kind: 'message',
    message,
    isGrouped: !isNewDay && last.kind === 'message' && belongsTo(last.message, message),
    ...rest,
  });
}

function lastAt(items) {
  return items.findLast(({ kind }) => kind === 'message')?.message.at ?? null;
}

function belongsTo(before, message) {
  return before.user.id === message.user.id && before.kind !== 'staff' && message.kind !== 'staff' && message.at - before.at < TOGETHER;
}

function asideItem(note) {
  return { id: `aside-${note.id}`, kind: 'aside', note };
}

function gapItem(gap) {
  return { id: `gap-${gap[0]}`, kind: 'gap', gap };
}

function groupedNotes(notes) {
  const groups = new Map();
  for (const note of notes) groups.set(note.after, [...(groups.get(note.after) ?? []), note]);
  return groups;
}
