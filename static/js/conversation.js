import { Composer } from './composer.js';
import { ComposerNotice } from './composer-notice.js';
import { HistoryPager } from './history-pager.js';
import { LogActions } from './log-actions.js';
import { LogView } from './log-view.js';
import { Moderation } from './moderation.js';
import { NewMessagesButton } from './new-messages-button.js';
import { ProfileCard } from './profile-card.js';
import { Profiles } from './profiles.js';
import { RoomFeed } from './room-feed.js';
import { RoomRules } from './room-rules.js';
import { RoomView } from './room-view.js';

/**
 * Brings conversation.html to life for a `visitor`: whichever of `rooms` is shown is in it. `around` makes what stands
 * around it, of `{profiles, session}`: `head`, `tabs`, `people`, `chooser` and `out`, and whatever else is to be another.
 */
export function converse({ session, connection, outbox }, rooms, around) {
  const pager = new HistoryPager();
  const profiles = new Profiles();
  const log = new LogView({ outbox, session, profiles });
  const rules = new RoomRules({ connection, rooms, session });
  const parts = {
    connection,
    session,
    outbox,
    rooms,
    pager,
    profiles,
    log,
    rules,
    feed: new RoomFeed({ connection, rooms, session, pager }),
    actions: new LogActions(),
    composer: new Composer(),
    news: new NewMessagesButton(log),
    card: new ProfileCard(profiles, session),
    moderation: new Moderation(rooms),
    notice: new ComposerNotice(rules, session),
    ...around({ profiles, session }),
  };
  new RoomView(parts);
  return parts;
}
