import { byId } from './dom.js';

/** The room's chat beside the board, in a drawer where the page is narrow, with a sign of what is unread there. */
export class BoardChat {
  #panel = byId('board-chat');
  #toggle = byId('board-chat-toggle');
  #unread = byId('board-chat-unread');
  #count = 0;

  // As in board.css: from this width on the chat stands beside the board.
  #isWide = matchMedia('(width > 64rem)');

  constructor(feed) {
    this.#turn(this.#isWide.matches);
    this.#isWide.addEventListener('change', () => this.#turn(this.#isWide.matches));
    this.#toggle.addEventListener('click', () => this.#turn(!this.#isOpen));
    byId('board-chat-close').addEventListener('click', () => {
      this.#turn(false);
      this.#toggle.focus();
    });
    this.#panel.addEventListener('keydown', (event) => event.key === 'Escape' && !this.#isWide.matches && this.#turn(false));
    feed.on('news', ({ count }) => {
      if (!this.#isOpen) this.#count += count;
      this.#show();
    });
  }

  get #isOpen() {
    return this.#panel.classList.contains('open');
  }

  #turn(isOpen) {
    this.#panel.classList.toggle('open', isOpen);
    this.#toggle.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) this.#count = 0;
    this.#show();
  }

  #show() {
    this.#unread.hidden = this.#count === 0;
    this.#unread.textContent = this.#count;
  }
}
