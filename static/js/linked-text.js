import { el } from './dom.js';

const ADDRESS = /https?:\/\/[^\s<>"]+/giu;

/** What follows an address in a sentence rather than belonging to it. */
const PUNCTUATION = /[.,:;!?'"»”’…\]}]+$/u;

/** The nodes that show a text: text nodes, and a link for each http or https address. */
export function linkedText(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    if (!URL.canParse(address)) continue;
    nodes.push(text.slice(end, match.index), link(address));
    end = match.index + address.length;
  }
  return [...nodes, text.slice(end)];
}

// A closing bracket is part of the address only if it was opened there: (see https://host/a_(b)).
function trimmed(match) {
  let address = match.replace(PUNCTUATION, '');
  while (address.endsWith(')') && address.split(')').length > address.split('(').length) {
    address = address.slice(0, -1).replace(PUNCTUATION, '');
  }
  return address;
}

function link(address) {
  return el('a', { href: address, target: '_blank', rel: 'noopener noreferrer nofollow' }, address);
}
