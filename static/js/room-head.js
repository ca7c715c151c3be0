import { byId } from './dom.js';
import { boardPath, roomPath } from './room-name.js';

/** The room's title at the head of its page, and the ways to its drawing board and its settings. */
export class RoomHead {
  #title = byId('room-title');
  #settings = byId('room-settings');
  #board = byId('room-board');

  update({ title, name, rules }) {
    this.#title.textContent = title;
    this.#board.href = boardPath(name);
    this.#settings.hidden = !isForSettings(rules);
    this.#settings.href = `${roomPath(name)}/settings`;
  }
}

// Whoever belongs to a room, or looks after it, has something to set or to see there.
function isForSettings(rules) {
  return Boolean(rules && (rules.role || rules.rights.moderate || rules.rights.own));
}
