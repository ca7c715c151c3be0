import { byId, el, setAttribute } from './dom.js';
import { Emitter } from './emitter.js';
import { roomPath } from './room-name.js';

/** The list of open rooms. Emits `show` and `close` (the room). */
export class RoomTabs extends Emitter {
  #list = byId('open-rooms');
  #tabs = new Map();

  /** Shows these rooms in order, with `shown` as the one in view. */
  update(rooms, shown) {
    for (const [room, tab] of this.#tabs) {
      if (rooms.includes(room)) continue;
      tab.element.remove();
      this.#tabs.delete(room);
    }
    for (const room of rooms) {
      const tab = this.#tabs.get(room) ?? this.#add(room);
      this.#fill(tab, room, room === shown);
    }
  }

  #add(room) {
    const title = el('span', { class: 'tab-title', dir: 'auto' });
    const unread = el('span', { class: 'unread', hidden: true });
    const link = el('a', { class: 'tab', href: roomPath(room.name), 'data-room': room.name }, title, unread);
    const close = el('button', { type: 'button', class: 'close-room' }, '×');
    const element = el('li', {}, link, close);
    link.addEventListener('click', (event) => this.#click(event, room));
    close.addEventListener('click', () => this.emit('close', room));
    this.#list.append(element);
    const tab = { element, link, title, unread, close };
    this.#tabs.set(room, tab);
    return tab;
  }

  // A click that asks the browser for a new tab or window is the browser's.
  #click(event, room) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.emit('show', room);
  }

  #fill({ link, title, unread, close }, room, isShown) {
    title.textContent = room.title;
    unread.hidden = room.unread === 0;
    unread.replaceChildren(`${room.unread}`, el('span', { class: 'visually-hidden' }, ' unread'));
    setAttribute(link, 'aria-current', isShown ? 'page' : null);
    setAttribute(close, 'aria-label', `Close ${room.title}`);
    if (isShown) link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
}
