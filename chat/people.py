"""People: who is signed in as whom, and which names are in use."""

import secrets

import msgspec

from chat.entries import Author
from chat.errors import NameTaken
from chat.names import person_key, person_name
from chat.presence import CallLater, Presence


class User(msgspec.Struct, frozen=True):
    """Who a client is. `id` stays the same over all connections of a session."""

    id: str
    name: str
    guest: bool = True

    @property
    def author(self) -> Author:
        return Author(self.id, self.name)


class People:
    """The people present on this server. A name belongs to one of them at a time.

    It is theirs while they are connected and `hold` seconds longer (a reload, a tunnel, a restart of their machine).
    """

    def __init__(self, call_later: CallLater, *, hold: float) -> None:
        self._hold = hold
        self._holders: dict[str, str] = {}
        self._present: Presence[User] = Presence(call_later, self._take, self._release)

    def __len__(self) -> int:
        return len(self._present)

    def guest(self, name: str) -> User:
        """A new guest of that name, not present yet; raises BadRequest, NameTaken."""
        user = User(id=f"g-{secrets.token_hex(8)}", name=person_name(name))
        self.check(user)
        return user

    def check(self, user: User) -> None:
        """Raises NameTaken if somebody else has the name by now."""
        if self._holders.get(person_key(user.name), user.id) != user.id:
            raise NameTaken(f"Somebody here is called {user.name} already.")

    def enter(self, user: User) -> None:
        """One more connection of theirs; raises NameTaken."""
        self.check(user)
        self._present.enter(user)

    def leave(self, user: User, *, hold: bool) -> None:
        """One connection less. The name is free at once, or with `hold` some time later."""
        self._present.leave(user, self._hold if hold else 0)

    def sign_out(self, user: User) -> None:
        """The name is held no longer, unless they are still connected."""
        self._present.forget(user)

    def close(self) -> None:
        self._present.close()

    def _take(self, user: User) -> None:
        self._holders[person_key(user.name)] = user.id

    def _release(self, user: User) -> None:
        del self._holders[person_key(user.name)]
