"""What all ways to the server have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, NoReturn, Protocol

from parley_client.errors import Refused
from parley_client.site import Site
from parley_client.subscription import Subscription
from parley_client.wire import CLOSE_OF_STATUS, Command, ServerMessage, Telling

TransportName = Literal["ws", "stream", "poll"]

LOST = 1006
"""The close code of a connection that ended without one (RFC 6455, section 7.1.5)."""


class Ended(Exception):
    """A connection has ended: with a close code of the contract or of RFC 6455, and the error that says why.

    `is_by_request`: it is the answer to a request that was made for the rooms.
    """

    def __init__(self, code: int, reason: str, *, error: Refused | None = None, is_by_request: bool = False) -> None:
        super().__init__(f"{reason} ({code})")
        self.code = code
        self.reason = reason
        self.error = error
        self.is_by_request = is_by_request

    @classmethod
    def by(cls, error: Refused) -> "Ended":
        """What a refused request means for the connection it was made for."""
        return cls(CLOSE_OF_STATUS.get(error.status, LOST), error.reason, error=error, is_by_request=True)


class Owner(Protocol):
    """Whom a transport tells what happens."""

    def ready(self) -> None:
        """It carries messages now."""

    def take(self, message: ServerMessage, *, entries_follow: bool = False) -> None:
        """The server has said something."""


class Transport(ABC):
    """One connection, over one of the ways to the server. `rooms` says what it is to receive."""

    title: ClassVar[TransportName]

    def __init__(self, site: Site, rooms: Callable[[], Sequence[Subscription]], owner: Owner) -> None:
        self.site = site
        self.rooms = rooms
        self.owner = owner

    @abstractmethod
    async def run(self) -> NoReturn:
        """Goes on until the connection ends; then raises Ended."""

    @abstractmethod
    def subscribe(self, room: Subscription) -> None:
        """There is one room more, or one that could not be had before is to be asked for again."""

    @abstractmethod
    def unsubscribe(self, room: Subscription) -> None:
        """There is one room less."""

    @abstractmethod
    def send(self, command: Command | Telling) -> None:
        """Says something. The answer comes to the owner."""
