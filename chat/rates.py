"""Rates: how much one person, one room and one address may do, as token buckets that protect the server.

Against the nerves of people there is slow mode (chat/pace.py); these are for programs.
"""

import math
import time
from collections.abc import Callable

import msgspec

from chat.addresses import address_key
from chat.callers import Caller
from chat.errors import RateLimited

# Buckets of one kind remembered. A full one is as good as none, so those that are full again are forgotten first.
REMEMBERED = 20_000


class Rate(msgspec.Struct, frozen=True):
    """So many a second in the long run, and at most `burst` at once."""

    per_second: float
    burst: float

    @classmethod
    def read(cls, text: str) -> "Rate":
        """The rate that a setting names, like `5/20`: five a second, twenty at once."""
        per_second, _, burst = text.partition("/")
        return cls(float(per_second), float(burst))


class Buckets:
    """One bucket of tokens for each key: filled at a steady rate up to the burst, emptied one by one.

    Of a bucket only the time is kept at which it will be full again (GCRA, ITU-T I.371): a token puts that off by the
    time in which one comes.
    """

    __slots__ = ("_clock", "_full_at", "_interval", "_remembered", "_slack")

    def __init__(
        self, rate: Rate, *, clock: Callable[[], float] = time.monotonic, remembered: int = REMEMBERED
    ) -> None:
        self._interval = 1 / rate.per_second
        self._slack = (rate.burst - 1) / rate.per_second
        self._clock = clock
        self._remembered = remembered
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str) -> float:
        """Takes a token and gives 0; or takes none, and gives the seconds until there is one."""
        now = self._clock()
        full_at = self._full_at.get(key)
        if full_at is None:
            if len(self._full_at) >= self._remembered:
                self._forget(now)
            full_at = now
        elif full_at < now:
            full_at = now
        elif full_at - now > self._slack:
            return full_at - now - self._slack
        self._full_at[key] = full_at + self._interval
        return 0

    def _forget(self, now: float) -> None:
        """Makes room: without the full ones, and if that is not enough, without the half that is full the soonest."""
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(self._full_at) > self._remembered // 2:
            fullest = sorted(self._full_at, key=self._full_at.__getitem__)
            for key in fullest[: len(self._full_at) - self._remembered // 2]:
                del self._full_at[key]


class RateTable(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of one server; their values and reasons stand in settings.py."""

    person_rate: str
    room_rate: str
    address_rate: str
    typing_rate: str
    signal_rate: str
    sign_in_rate: str
    registration_rate: str
    making_rate: str
    making_address_rate: str
    report_rate: str
    report_address_rate: str
    picture_rate: str
    integration_rate: str
    desk_rate: str
    refusal_rate: str


class Rates:
    """Counts what is asked for; every call raises RateLimited for what is too much, with the time until the next token.

    Whoever goes on and on is to be closed: see `patient`. `observe` is told the name of each limit that was met.
    """

    def __init__(
        self,
        table: RateTable,
        *,
        clock: Callable[[], float] = time.monotonic,
        observe: Callable[[str], object] = lambda limit: None,
    ) -> None:
        self._observe = observe
        made = {name: Buckets(Rate.read(getattr(table, name)), clock=clock) for name in RateTable.__struct_fields__}
        self._persons = made["person_rate"]
        self._rooms = made["room_rate"]
        self._addresses = made["address_rate"]
        self._typing = made["typing_rate"]
        self._signals = made["signal_rate"]
        self._sign_ins = made["sign_in_rate"]
        self._registrations = made["registration_rate"]
        self._making = made["making_rate"]
        self._making_addresses = made["making_address_rate"]
        self._reports = made["report_rate"]
        self._report_addresses = made["report_address_rate"]
        self._pictures = made["picture_rate"]
        self._integrations = made["integration_rate"]
        self._conversations = made["desk_rate"]
        self._refusals = made["refusal_rate"]

    def change(self, caller: Caller) -> None:
        """A message, an edit, a deletion or a reaction by somebody."""
        wait = self._persons.take(caller.account or caller.user.id)
        if wait:
            self._refuse("person", "You are sending faster than the server takes from one person.", wait)
        wait = self._addresses.take(address_key(caller.address))
        if wait:
            self._refuse("address", "Too much comes from your address.", wait)

    def change_in(self, room: str) -> None:
        """The same, in a room in which they may."""
        wait = self._rooms.take(room)
        if wait:
            self._refuse("room", "More is said in this room than the server takes.", wait)

    def passing(self, caller: Caller) -> None:
        """A note that somebody types or has read."""
        wait = self._typing.take(caller.id)
        if wait:
            self._refuse("typing", "Too many notes of typing and reading.", wait)

    def signal(self, caller: Caller) -> None:
        """Something else that passes."""
        wait = self._signals.take(caller.id)
        if wait:
            self._refuse("signal", "Too many signals.", wait)

    def sign_in(self, address: str) -> None:
        self._at_address(self._sign_ins, "sign_in", "Too many sign-ins from your address.", address)

    def register(self, address: str) -> None:
        self._at_address(self._registrations, "registration", "Too many new accounts from your address.", address)

    def make_room(self, caller: Caller) -> None:
        self._both(self._making, self._making_addresses, "making", "Too many new rooms.", caller)

    def report(self, caller: Caller) -> None:
        self._both(self._reports, self._report_addresses, "report", "Too many reports.", caller)

    def open_conversation(self, address: str) -> None:
        """A new conversation with a support desk."""
        sentence = "Too many new conversations from your address."
        self._at_address(self._conversations, "desk", sentence, address)

    def picture(self, caller: Caller) -> None:
        wait = self._pictures.take(caller.id)
        if wait:
            self._refuse("picture", "Too many new pictures.", wait)

    def integration(self, id: str) -> None:
        wait = self._integrations.take(id)
        if wait:
            self._refuse("integration", "This integration says too much.", wait)

    def patient(self, caller: Caller) -> bool:
        """Counts one refusal of theirs; False for one who goes on against the limit and is to be closed."""
        return not self._refusals.take(caller.id)

    def _both(self, persons: Buckets, addresses: Buckets, limit: str, sentence: str, caller: Caller) -> None:
        wait = persons.take(caller.id)
        if wait:
            self._refuse(limit, sentence, wait)
        self._at_address(addresses, limit, sentence, caller.address)

    def _at_address(self, buckets: Buckets, limit: str, sentence: str, address: str) -> None:
        wait = buckets.take(address_key(address))
        if wait:
            self._refuse(limit, sentence, wait)

    def _refuse(self, limit: str, sentence: str, wait: float) -> None:
        self._observe(limit)
        raise RateLimited(f"{sentence} Wait {_seconds(wait)}.", retry_after=wait)


def _seconds(wait: float) -> str:
    seconds = math.ceil(wait)
    return "a second" if seconds == 1 else f"{seconds} seconds"
