import { el, setAttribute } from './dom.js';

/** The emoji that are one press away. */
const EMOJI = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏'];

/** The reactions below a message: a button for each, pressed where one's own is among them. */
export class ReactionChips {
  #chips = new Map();
  element = el('div', { class: 'reactions' });

  /** Shows reactions as the protocol has them. A button stays the same element, so that it keeps the focus. */
  update(reactions, me) {
    for (const [emoji, chip] of this.#chips) {
      if (emoji in reactions) continue;
      chip.remove();
      this.#chips.delete(emoji);
    }
    for (const [emoji, people] of Object.entries(reactions)) {
      if (!this.#chips.has(emoji)) this.#add(emoji);
      show(this.#chips.get(emoji), emoji, people, me);
    }
  }

  #add(emoji) {
    const chip = el('button', { type: 'button', class: 'reaction', 'data-emoji': emoji });
    this.#chips.set(emoji, chip);
    this.element.append(chip);
  }
}

function show(chip, emoji, people, me) {
  const names = people.map(({ name }) => name).join(', ');
  setAttribute(chip, 'aria-pressed', String(people.some(({ id }) => id === me.id)));
  setAttribute(chip, 'aria-label', `${emoji} ${people.length}: ${names}`);
  setAttribute(chip, 'title', names);
  chip.replaceChildren(el('span', { class: 'emoji' }, emoji), ` ${people.length}`);
}

/** The buttons to choose a reaction from. */
export function emojiPicker() {
  const choices = EMOJI.map((emoji) =>
    el('button', { type: 'button', class: 'emoji-choice', 'data-emoji': emoji, 'aria-label': `React with ${emoji}` }, emoji),
  );
  return el('div', { class: 'emoji-picker', role: 'group', 'aria-label': 'Reactions' }, ...choices);
}
