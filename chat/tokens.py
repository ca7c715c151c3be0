"""Tokens: whom each stands for, in memory, so that a request of one who is known costs no look into the store."""

import time
from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from chat.accounts import Account, Accounts
from chat.bots import BOT_PREFIX, Bots
from chat.callers import Caller
from chat.conversations import VISITOR_PREFIX, Conversations
from chat.guests import Guests
from chat.secret_tokens import secret_hash
from chat.sessions import SESSION_PREFIX, Sessions
from chat.times import now

# Tokens of which the store knows whose they are.
STORED = (SESSION_PREFIX, BOT_PREFIX, VISITOR_PREFIX)
# A guest's token is checked again after this time (seconds).
GUEST_CHECK = 600.0
# Wrong tokens remembered, so that one that is shown again and again costs nothing.
WRONG_KEPT = 10_000


class _Known:
    """A caller; `again` is when to look at it again (monotonic, seconds), `note` who is told then that it was seen."""

    __slots__ = ("again", "caller", "note")

    def __init__(self, caller: Caller, again: float, note: Callable[[str, str], None] | None) -> None:
        self.caller = caller
        self.again = again
        self.note = note


class Tokens:
    """Knows the callers of at most `kept` tokens of guests, sessions, bots and visitors; what is not known is loaded.

    That a session or a bot was seen is noted every `seen_interval` seconds.
    """

    def __init__(
        self,
        guests: Guests,
        sessions: Sessions,
        bots: Bots,
        accounts: Accounts,
        conversations: Conversations,
        *,
        kept: int,
        seen_interval: float,
    ) -> None:
        self._guests = guests
        self._sessions = sessions
        self._bots = bots
        self._accounts = accounts
        self._conversations = conversations
        self._kept = kept
        self._seen_interval = seen_interval
        self._known: dict[str, _Known] = {}
        self._of: dict[str, set[str]] = {}
        self._wrong: dict[str, bool] = {}
        self._changes = 0
        self._note_again = time.monotonic() + seen_interval

    def __len__(self) -> int:
        return len(self._known)

    def caller(self, token: str, address: str) -> Caller | None:
        """Whom the token stands for; None if it is not one of ours, over, or not loaded yet."""
        known = self._known.get(token)
        if known is None or time.monotonic() >= known.again:
            known = self._guest(token) if known is None else self._looked_at(token, known, address)
            if known is None:
                return None
        if known.caller.address != address:
            known.caller = msgspec.structs.replace(known.caller, address=address)
        return known.caller

    def is_loaded(self, token: str) -> bool:
        """Whether `caller` knows all there is to know about it."""
        return token in self._known or not token.startswith(STORED) or secret_hash(token) in self._wrong

    async def load(self, token: str) -> None:
        """Looks the token up; raises Unavailable."""
        while True:
            before = self._changes
            known = await self._looked_up(token)
            if self._changes == before:  # else it may have been changed, or ended, while it was read
                break
        if known is not None:
            self._keep(token, known)
        else:
            self._remember_wrong(secret_hash(token), counted=False)

    def is_new(self, token: str) -> bool:
        """Whether nobody has asked this of the wrong token before, as far as is remembered."""
        hash = secret_hash(token)
        new = not self._wrong.get(hash, False)
        self._remember_wrong(hash, counted=True)
        return new

    # Changes

    def end(self, owner: str, which: Callable[[Caller], bool] = lambda caller: True) -> None:
        """Those tokens of an account or a guest (by its id) are worth nothing any more."""
        self._changes += 1
        for token in list(self._of.get(owner, ())):
            if which(self._known[token].caller):
                self._drop(token)
                self._remember_wrong(secret_hash(token), counted=True)

    def forget_all(self) -> None:
        """Whoever is known is looked up again."""
        self._changes += 1
        self._known.clear()
        self._of.clear()
        self._wrong.clear()

    def update(self, account: Account) -> None:
        """Lets the sessions of an account have its present name and rights."""
        self._changes += 1
        for token in self._of.get(account.id, ()):
            known = self._known[token]
            if known.caller.scope is None:
                known.caller = msgspec.structs.replace(known.caller, user=account.user, admin=account.admin)

    def note(self, callers: Iterable[Caller]) -> None:
        """Notes that those who are connected were seen; harmless when repeated, as it does so once in a while."""
        if time.monotonic() < self._note_again:
            return
        self._note_again = time.monotonic() + self._seen_interval
        for caller in callers:
            if caller.user.is_visitor:
                continue
            if caller.scope is not None:
                self._bots.seen.note(caller.session, caller.address)
            elif caller.account:
                self._session_seen(caller.account, caller.session, caller.address)

    # Looking up

    def _guest(self, token: str) -> _Known | None:
        if token.startswith(STORED):
            return None
        user = self._guests.read(token)
        if user is None:
            return None
        known = _Known(Caller(user=user, session=user.id), time.monotonic() + GUEST_CHECK, None)
        self._keep(token, known)
        return known

    async def _looked_up(self, token: str) -> _Known | None:
        if token.startswith(SESSION_PREFIX):
            return await self._session(token)
        return await (self._bot(token) if token.startswith(BOT_PREFIX) else self._visitor(token))

    async def _session(self, token: str) -> _Known | None:
        session = await self._sessions.find(token)
        account = await self._accounts.by_id(session.account) if session else None
        if session is None or account is None:
            return None
        caller = Caller(
            user=account.user, account=account.id, session=session.id, admin=account.admin, until=session.until
        )
        return self._noted(caller, session.seen, partial(self._session_seen, account.id))

    async def _bot(self, token: str) -> _Known | None:
        bot = await self._bots.find(token)
        maker = await self._accounts.by_id(bot.maker) if bot else None
        if bot is None or maker is None:
            return None
        return self._noted(bot.caller, bot.seen, self._bots.seen.note)

    async def _visitor(self, token: str) -> _Known | None:
        caller = await self._conversations.visitor(token)
        return self._noted(caller, now(), lambda session, address: None) if caller else None

    def _session_seen(self, account: str, session: str, address: str) -> None:
        self._sessions.seen.note(session, address)
        self._accounts.seen.note(account)

    def _noted(self, caller: Caller, seen: int, note: Callable[[str, str], None]) -> _Known:
        """It is looked at again when it is to be noted that it was seen."""
        wait = self._seen_interval - max(0.0, (now() - seen) / 1000)
        return _Known(caller, time.monotonic() + min(wait, (caller.until - now()) / 1000), note)

    def _looked_at(self, token: str, known: _Known, address: str) -> _Known | None:
        """It again, if it goes on."""
        at = now()
        if known.note is None:
            self._drop(token)
            return self._guest(token)
        if at >= known.caller.until:
            self._drop(token)
            self._remember_wrong(secret_hash(token), counted=True)
            return None
        known.note(known.caller.session, address)
        known.again = time.monotonic() + min(self._seen_interval, (known.caller.until - at) / 1000)
        return known

    # Memory

    def _keep(self, token: str, known: _Known) -> None:
        self._known[token] = known
        self._of.setdefault(known.caller.id, set()).add(token)
        if len(self._known) > self._kept:
            self._drop(next(iter(self._known)))

    def _drop(self, token: str) -> None:
        owner = self._known.pop(token).caller.id
        mine = self._of[owner]
        mine.discard(token)
        if not mine:
            del self._of[owner]

    def _remember_wrong(self, hash: str, *, counted: bool) -> None:
        self._wrong[hash] = self._wrong.get(hash, False) or counted
        if len(self._wrong) > WRONG_KEPT:
            del self._wrong[next(iter(self._wrong))]
