import { el, setAttribute } from './dom.js';
import { initial } from './names.js';

/** Shows somebody in `element`, the round sign beside their name: their picture, else the first letter of the name. */
export function showSign(element, name, profile = null) {
  const shown = profile?.picture || initial(name);
  if (element.dataset.shown === shown) return;
  setAttribute(element, 'data-shown', shown);
  element.replaceChildren(profile?.picture ? picture(profile.picture) : shown);
}

function picture(address) {
  return el('img', { src: address, alt: '', loading: 'lazy', decoding: 'async' });
}
