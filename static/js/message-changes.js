const CHANGES = { edit: edited, delete: deleted, reaction: reacted };

/** The message as it is after a change (an entry of type edit, delete or reaction). Applied twice it is the same. */
export function changed(message, change) {
  return CHANGES[change.type](message, change);
}

function edited(message, { text, at }) {
  return message.deleted ? message : { ...message, text, edited: at };
}

function deleted({ text, data, ...message }, { at }) {
  return { ...message, deleted: at };
}

function reacted(message, { emoji, on, user }) {
  const others = (message.reactions?.[emoji] ?? []).filter(({ id }) => id !== user.id);
  const people = on ? [...others, { id: user.id, name: user.name }] : others;
  const { [emoji]: before, ...reactions } = message.reactions ?? {};
  return { ...message, reactions: people.length ? { ...message.reactions, [emoji]: people } : reactions };
}
