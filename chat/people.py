"""People: who is signed in as whom, and which names are in use."""

import secrets
from collections.abc import Callable

import msgspec

from chat.entries import Author
from chat.errors import NameTaken
from chat.names import person_key, person_name
from chat.presence import CallLater, Presence

VISITOR = "v-"
"""How the ids of visitors of a support desk begin."""


class User(msgspec.Struct, frozen=True):
    """Who a client is. `id` stays the same over all connections of a session."""

    id: str
    name: str
    guest: bool = True

    @property
    def author(self) -> Author:
        return Author(self.id, self.name)

    @property
    def is_visitor(self) -> bool:
        """Whether they came through a support desk's widget: only its agents meet them, so their name is nobody's
        business and may be that of others."""
        return self.id.startswith(VISITOR)


class People:
    """The people present on this server. A guest's name belongs to one of them at a time.

    It is theirs while they are connected and `hold` seconds longer (a reload, a tunnel, a restart of their machine).
    `check_claim` raises NameTaken for a name that belongs to an account: those always have their own.
    """

    def __init__(
        self,
        call_later: CallLater,
        *,
        hold: float,
        check_claim: Callable[[str], object] = lambda name: None,
    ) -> None:
        self._hold = hold
        self._check_claim = check_claim
        self._holders: dict[str, User] = {}
        self._signed_out: set[str] = set()
        self._present: Presence[User] = Presence(call_later, self._take, self._release)

    def __len__(self) -> int:
        return len(self._present)

    def guest(self, name: str) -> User:
        """A new guest of that name, not present yet; raises BadRequest, NameTaken."""
        user = User(id=f"g-{secrets.token_hex(8)}", name=person_name(name))
        self.check(user)
        return user

    def holder(self, name: str) -> User | None:
        """The one present who has that name."""
        return self._holders.get(person_key(name))

    def find(self, id: str) -> User | None:
        """The one present of that id."""
        return next((user for user in self._holders.values() if user.id == id), None)

    def check(self, user: User) -> None:
        """Raises NameTaken if somebody else has the guest's name by now."""
        if not user.guest or user.is_visitor:
            return
        if self._holders.get(person_key(user.name), user).id != user.id:
            raise NameTaken(f"Somebody here is called {user.name} already.")
        self._check_claim(user.name)

    def enter(self, user: User) -> None:
        """One more connection of theirs; raises NameTaken."""
        self.check(user)
        self._present.enter(user)

    def leave(self, user: User, *, hold: bool) -> None:
        """One connection less. A guest's name is free at once, or with `hold` some time later."""
        held = hold and user.guest and user.id not in self._signed_out
        self._present.leave(user, self._hold if held else 0)

    def sign_out(self, user: User) -> None:
        """The name is held no longer than they are connected."""
        self._present.forget(user)
        if user in self._present:
            self._signed_out.add(user.id)

    def close(self) -> None:
        self._present.close()

    def _take(self, user: User) -> None:
        if not user.is_visitor:
            self._holders[person_key(user.name)] = user

    def _release(self, user: User) -> None:
        self._signed_out.discard(user.id)
        key = person_key(user.name)
        holder = self._holders.get(key)
        if holder is not None and holder.id == user.id:  # an account takes its name even from a guest who is here
            del self._holders[key]
