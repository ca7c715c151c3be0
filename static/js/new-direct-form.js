import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { byId } from './dom.js';
import { roomPath } from './room-name.js';

/** The form that opens a private talk with some people, and leads into it. */
export class NewDirectForm {
  constructor(session) {
    new ActionForm(byId('new-direct'), async ({ people }) => {
      if (!session.user) await session.require();
      const names = people.split(',').map((name) => name.trim()).filter(Boolean);
      const { name } = await call('POST', '/api/direct', { body: { people: names } });
      location.assign(roomPath(name));
    });
  }
}
