import { el } from './dom.js';

/** The emoji that are one press away. */
const EMOJI = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏'];

/** A button for each reaction: how many, who (in its title), and pressed where `me` is among them. */
export function reactionChips(reactions, me) {
  return Object.entries(reactions).map(([emoji, people]) => {
    const names = people.map(({ name }) => name).join(', ');
    const isMine = people.some(({ id }) => id === me.id);
    return el(
      'button',
      {
        type: 'button',
        class: 'reaction',
        'data-emoji': emoji,
        'aria-pressed': String(isMine),
        'aria-label': `${emoji} ${people.length}: ${names}`,
        title: names,
      },
      el('span', { class: 'emoji' }, emoji),
      ` ${people.length}`,
    );
  });
}

/** The buttons to choose a reaction from. */
export function emojiPicker() {
  const choices = EMOJI.map((emoji) =>
    el('button', { type: 'button', class: 'emoji-choice', 'data-emoji': emoji, 'aria-label': `React with ${emoji}` }, emoji),
  );
  return el('div', { class: 'emoji-picker', role: 'group', 'aria-label': 'Reactions' }, ...choices);
}
