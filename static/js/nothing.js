import { Emitter } from './emitter.js';

/** A part of the room page that has no place in another page. */
export class Nothing extends Emitter {
  update() {}
}
