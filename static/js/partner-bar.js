import { byId } from './dom.js';
import { Emitter } from './emitter.js';
import { tint } from './names.js';
import { showSign } from './sign.js';

/** Who one talks with, at the head of the conversation; in the place of PeoplePanel. */
export class PartnerBar extends Emitter {
  #sign = byId('pair-sign');
  #profiles;
  #partner = null;

  constructor(profiles) {
    super();
    this.#profiles = profiles;
  }

  /** Shows a partner. */
  show(partner) {
    this.#partner = partner;
    byId('pair-name').textContent = partner.name;
    this.update();
  }

  update() {
    const { name } = this.#partner;
    const profile = this.#profiles.of(this.#partner);
    this.#sign.className = `sign ${tint(name, profile?.colour)}`;
    showSign(this.#sign, name, profile);
  }
}
