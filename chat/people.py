"""People: who is signed in as whom, and which names are in use."""

import secrets
from collections.abc import Callable
from typing import Protocol

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


class Company(Protocol):
    """Who has which name at other processes, and tells them who has one here."""

    def holder(self, name: str) -> User | None: ...

    def named(self, user: User) -> object: ...

    def unnamed(self, user: User) -> object: ...


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
        company: Company | None = None,
    ) -> None:
        self._hold = hold
        self._check_claim = check_claim
        self._company = company
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
        """The one present who has that name, a guest of another process included."""
        return self._holders.get(person_key(name)) or (self._company.holder(name) if self._company else None)

    def find(self, id: str) -> User | None:
        """The one present of that id."""
        return next((user for user in self._holders.values() if user.id == id), None)

    def check(self, user: User) -> None:
        """Raises NameTaken if somebody else has the guest's name by now."""
        if not user.guest or user.is_visitor:
            return
        holder = self._holders.get(person_key(user.name))
        if holder is None and self._company is not None:
            holder = self._company.holder(user.name)
        if holder is not None and holder.id != user.id:
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

    def give_up(self, user: User) -> None:
        """The name is somebody else's, at another process."""
        self._signed_out.add(user.id)
        self._forget_name(user)

    def _take(self, user: User) -> None:
        if user.is_visitor:
            return
        self._holders[person_key(user.name)] = user
        if self._company is not None and user.guest:
            self._company.named(user)

    def _release(self, user: User) -> None:
        self._signed_out.discard(user.id)
        self._forget_name(user)

    def _forget_name(self, user: User) -> None:
        if self._company is not None and user.guest:
            self._company.unnamed(user)
        key = person_key(user.name)
        holder = self._holders.get(key)
        if holder is not None and holder.id == user.id:  # an account takes its name even from a guest who is here
            del self._holders[key]
