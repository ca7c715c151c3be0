"""A client of Parley: rooms over WebSocket, event stream or long-poll, with resume and an outbox.

See README.md beside this package, and docs/protocol.md of Parley for what goes over the wire.
"""

from parley_client.client import Client
from parley_client.errors import Closed, OutboxFull, ParleyError, Refused, RoomLost, Unreachable
from parley_client.events import (
    Ack,
    Cursor,
    Deletion,
    Edit,
    Entry,
    Event,
    Gap,
    HistoryPage,
    Joined,
    Left,
    Message,
    Person,
    Reaction,
    Read,
    Reset,
    RoomLine,
    Typing,
    User,
)
from parley_client.room import Room
from parley_client.transport import TransportName

__all__ = [
    "Ack",
    "Client",
    "Closed",
    "Cursor",
    "Deletion",
    "Edit",
    "Entry",
    "Event",
    "Gap",
    "HistoryPage",
    "Joined",
    "Left",
    "Message",
    "OutboxFull",
    "ParleyError",
    "Person",
    "Reaction",
    "Read",
    "Refused",
    "Reset",
    "Room",
    "RoomLine",
    "RoomLost",
    "TransportName",
    "Typing",
    "Unreachable",
    "User",
]
