import { converse } from './conversation.js';
import { OpenRooms } from './open-rooms.js';
import { OutPanel } from './out-panel.js';
import { PeoplePanel } from './people-panel.js';
import { RoomChooser } from './room-chooser.js';
import { RoomHead } from './room-head.js';
import { RoomTabs } from './room-tabs.js';
import { visitor } from './visitor.js';

const me = await visitor();
const rooms = new OpenRooms();
converse(me, rooms, ({ profiles, session }) => ({
  head: new RoomHead(),
  tabs: new RoomTabs(),
  people: new PeoplePanel(profiles),
  chooser: new RoomChooser(),
  out: new OutPanel(session),
}));
rooms.start();
me.connection.start();
