"""What one says in a room, on its way through the outbox."""

import asyncio
import uuid
from typing import Any

from parley_client.events import Ack, Message
from parley_client.outbox import Outbox
from parley_client.wire import Command


class Speech:
    """Says things in one room; each call returns once it is stored, and raises Refused, Closed, OutboxFull.

    Whoever gives up the waiting does not take back what they said.
    """

    def __init__(self, outbox: Outbox, room: str) -> None:
        self._outbox = outbox
        self._room = room

    async def send(
        self, text: str | None, *, kind: str | None = None, data: dict[str, Any] | None = None, patient: bool = True
    ) -> Ack:
        return await self._say("send", text=text, kind=kind, data=data, patient=patient)

    async def edit(self, target: Message | int, text: str) -> Ack:
        return await self._say("edit", target=_seq(target), text=text)

    async def delete(self, target: Message | int) -> Ack:
        return await self._say("delete", target=_seq(target))

    async def react(self, target: Message | int, emoji: str, *, on: bool) -> Ack:
        return await self._say("react", target=_seq(target), emoji=emoji, on=on)

    async def _say(self, type: str, *, patient: bool = True, **fields: Any) -> Ack:
        command = Command(type=type, room=self._room, key=str(uuid.uuid4()), **fields)
        answer = self._outbox.add(command, patient=patient)
        return await asyncio.shield(answer)


def _seq(target: Message | int) -> int:
    return target if isinstance(target, int) else target.seq
