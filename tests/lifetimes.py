"""What the tests of lifetimes have in common: a clock of their own, and entries of any age."""

import asyncio
from typing import Any

from chat.chat import Chat
from chat.entries import Author, Entry
from chat.lifetimes import Lifetimes, LifetimeTable
from chat.room import Room
from chat.times import DAY
from tests.rooms import ANN, message, new_key


class Clock:
    """Monotonic and wall time alike, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def lifetimes_of(chat: Chat, clock: Clock, **values: float) -> Lifetimes:
    table = LifetimeTable(**({"ephemeral_grace": 30, "watch_interval": 0.01, "forget_interval": 0.01} | values))
    return Lifetimes(chat.history, chat.registry, chat.commit, table, clock=clock, wall=clock)


def send(chat: Chat, room: Room, text: str = "hi", key: str = "") -> "asyncio.Future[Any]":
    draft = Entry(
        type="message", room=room.name, seq=0, user=Author(ANN.id, ANN.name), at=0, key=key or new_key(), text=text
    )
    return chat.commit.append(room, draft)


async def store(chat: Chat, room: Room, *days: float) -> None:
    """Entries of these ages in days at time 1,000 s, the oldest first."""
    entries = [
        message(seq, room=room.name, at=int(1_000_000 - age * DAY)) for seq, age in enumerate(days, room.seq + 1)
    ]
    await chat.history.insert([(room.key, entry) for entry in entries])
    room.publish(entries)
