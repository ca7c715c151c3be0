"""A message on its way to the server."""

import asyncio
import uuid


class Lost(Exception):
    """The connection went before there was an answer."""


class Outgoing:
    """A message on its way; `answer` is the future of the attempt under way: None for an ack, or the seconds to wait
    before the next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.key = str(uuid.uuid4())
        self.answer: asyncio.Future[float | None] | None = None
