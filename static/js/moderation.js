import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { notice } from './notice.js';
import { roomApi } from './room-name.js';

/** What is asked before a person is sanctioned, and said after it; `name` stands for theirs. */
const SANCTIONS = {
  mute: {
    question: 'Mute name?',
    consequence: 'They stay in the room and read on, but cannot write in it until the time is over.',
    action: 'Mute',
    asksDuration: true,
    done: 'name is muted.',
  },
  kick: {
    question: 'Put name out of the room?',
    consequence: 'They are out at once. Into an open room they can come back; for others they need to be let in again.',
    action: 'Kick',
    done: 'name is out.',
  },
  ban: {
    question: 'Ban name from the room?',
    consequence: 'They are out at once, and cannot come back until the time is over.',
    action: 'Ban',
    asksDuration: true,
    isGrave: true,
    done: 'name is banned.',
  },
};

/** What moderators do in the room that is shown, and what anybody may report to the administrators. */
export class Moderation {
  #rooms;

  constructor(rooms) {
    this.#rooms = rooms;
  }

  /** Mutes, kicks or bans a user `{id, name}` after asking. */
  async sanction(act, { id, name }) {
    const { done, question, ...texts } = SANCTIONS[act];
    const path = this.#path('moderation');
    const isDone = await confirm({
      ...texts,
      question: question.replace('name', () => name),
      asksReason: 'optional',
      act: ({ seconds, reason }) =>
        call('POST', path, { body: { act, who: id, ...(texts.asksDuration && { seconds }), ...(reason && { reason }) } }),
    });
    if (isDone) notice(done.replace('name', () => name));
  }

  /** Removes somebody's message after asking. */
  remove(seq) {
    const path = this.#path('moderation');
    return confirm({
      question: 'Remove this message for everybody?',
      consequence: 'Its text leaves the store. That you have removed it is noted for the administrators.',
      action: 'Remove',
      isGrave: true,
      asksReason: 'optional',
      act: ({ reason }) => call('POST', path, { body: { act: 'remove', seq, ...(reason && { reason }) } }),
    });
  }

  /** Reports a message to the administrators. */
  async report(seq) {
    const path = this.#path('reports');
    const isDone = await confirm({
      question: 'Report this message?',
      consequence: 'The administrators of this server will see it with your reason and your name.',
      action: 'Report',
      asksReason: 'needed',
      act: ({ reason }) => call('POST', path, { body: { seq, reason } }),
    });
    if (isDone) notice('Thank you. The administrators will look at it.');
  }

  #path(what) {
    return `${roomApi(this.#rooms.shown.name)}/${what}`;
  }
}
