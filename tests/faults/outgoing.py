"""A message or a change on its way to the server."""

import asyncio
import uuid
from typing import Any
from urllib.parse import quote


class Lost(Exception):
    """The connection went before there was an answer."""


class Outgoing:
    """A command on its way; `line` stands for it in the journal. `answer` is the future of the attempt under way: None
    for an ack, or the seconds to wait before the next."""

    def __init__(self, line: str, act: str = "send", **fields: Any) -> None:
        self.line = line
        self.act = act
        self.fields = fields
        self.key = str(uuid.uuid4())
        self.acked = False
        self.answer: asyncio.Future[float | None] | None = None

    @property
    def command(self) -> dict[str, Any]:
        """As it stands in a frame, but for the room."""
        return {"type": self.act, "key": self.key, **self.fields}

    def request(self, room: str) -> tuple[str, dict[str, Any]]:
        """As a POST: its path and its body."""
        if self.act == "send":
            return f"/api/rooms/{quote(room)}/messages", {"key": self.key, **self.fields}
        return f"/api/rooms/{quote(room)}/commands", self.command
