import { ownPath, pagePath } from './site.js';

/**
 * What two spellings of one room's name have in common. The server compares names in NFC and
 * case-folded; JavaScript has no case folding, and upper case comes nearest to it (ß and ss meet).
 */
export function roomKey(name) {
  return name.normalize('NFC').toUpperCase();
}

/** The address of a room's page, as a path. */
export function roomPath(name) {
  return pagePath(`/chat/${encodeURIComponent(name)}`);
}

/** The address of a room in the HTTP interface, as a path. */
export function roomApi(name) {
  return `/api/rooms/${encodeURIComponent(name)}`;
}

/** The address of a room's drawing board, as a path. */
export function boardPath(name) {
  return pagePath(`/board/${encodeURIComponent(name)}`);
}

/** The name of the room whose page has this path, or null where it is another page. */
export function roomFromPath(path) {
  return nameIn(/^\/chat\/([^/]+)\/?$/.exec(ownPath(path)));
}

/** The name of the room whose board has this path, or null where it is another page. */
export function boardFromPath(path) {
  return nameIn(/^\/board\/([^/]+)\/?$/.exec(ownPath(path)));
}

function nameIn(match) {
  if (!match) return null;
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return null;
  }
}

/** A name for a room with this title: what a name may not hold becomes a dash; "" where nothing is left. */
export function nameFromTitle(title) {
  const dashed = title.normalize('NFC').replace(/[^\p{L}\p{N}_.-]+/gu, '-');
  return [...dashed.replace(/^[-.]+|[-.]+$/g, '')].slice(0, 64).join('').toLowerCase();
}
