import { byId } from './dom.js';

/** How long a notice stays, in milliseconds. */
const STAYS = 8_000;

let timer;

/** Says a sentence at the edge of the page for a while; the next one takes its place. */
export function notice(sentence) {
  const element = byId('notice');
  element.textContent = sentence;
  element.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => (element.hidden = true), STAYS);
}

/** Says why something failed. */
export function tell(error) {
  notice(error.reason ?? String(error));
}
