import { Site } from './parley.js';

/** The server that this page is from, as whom its cookie says. */
export const here = new Site();

/** Calls the HTTP interface of this page's server, as Site has it. */
export function call(method, path, options) {
  return here.call(method, path, options);
}
