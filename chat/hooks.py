"""Hooks: the webhooks of rooms, for those who look after them."""

from typing import Any, Protocol

import msgspec

from chat.access import Access
from chat.alarms import Alarms
from chat.audit import Audit
from chat.bans import Bans
from chat.callers import Caller
from chat.database import Database
from chat.deliverer import Deliverer
from chat.entries import Author
from chat.errors import BadRequest, Forbidden, NotFound, Unavailable
from chat.history import History
from chat.registry import RoomRegistry
from chat.room import Room
from chat.webhook_store import WebhookStore
from chat.webhooks import DeadLetter, Letter, NewWebhook, Outcome, Webhook, WebhookTable, check_url, new_webhook


class Sender(Protocol):
    """Who makes the requests."""

    async def __call__(self, letter: Letter) -> Outcome: ...

    def close(self) -> None: ...


class Hooks:
    """Makes, shows and removes webhooks. Who moderates a room and reads it may; each act is in the audit log.

    Every call raises ChatError for others, and Unavailable while MongoDB is away.
    """

    def __init__(
        self,
        database: Database,
        *,
        access: Access,
        alarms: Alarms,
        audit: Audit,
        bans: Bans,
        history: History,
        registry: RoomRegistry,
        sender: Sender,
        table: WebhookTable,
    ) -> None:
        self._sender = sender
        self.store = WebhookStore(database)
        self.deliverer = Deliverer(
            self.store,
            sender,
            history=history,
            registry=registry,
            call_later=alarms.call_later,
            is_banned=lambda account: bans.of_account(account) is not None,
            table=table,
        )
        registry.published = self.deliverer.published
        self._access = access
        self._audit = audit
        self._table = table

    async def prepare(self) -> None:
        """Makes the indexes; raises DatabaseError."""
        await self.store.prepare()

    async def stop(self) -> None:
        """Sends nothing more."""
        await self.deliverer.stop()
        self._sender.close()

    async def make(self, name: str, wanted: NewWebhook, caller: Caller) -> Webhook:
        """A new webhook, for the entries from now on."""
        room = await self._room(name, caller)
        check_url(wanted.url, private=self._table.webhook_private == "yes")
        if len(await self.store.of(room.key, room.epoch)) >= self._table.webhooks_limit:
            raise BadRequest(f"A room has at most {self._table.webhooks_limit} webhooks; remove one first.")
        hook = new_webhook(
            wanted,
            room=room.key,
            name=room.name,
            epoch=room.epoch,
            cursor=room.seq,
            by=Author(caller.id, caller.user.name),
            ruling=caller.id not in room.policy.members,
        )
        async with self._audit.noted(caller, "make_webhook", room=room, webhook=hook.id):
            await self.store.insert(hook)
        self.deliverer.watch(hook)
        return hook

    async def of(self, name: str, caller: Caller) -> list[Webhook]:
        """Those of a room."""
        room = await self._room(name, caller)
        return await self.store.of(room.key, room.epoch)

    async def remove(self, name: str, id: str, caller: Caller) -> None:
        """Nothing more is sent by it; what it could not deliver is gone with it."""
        room, hook = await self._find(name, id, caller)
        async with self._audit.noted(caller, "remove_webhook", room=room, webhook=id):
            self.deliverer.forget(hook)
            await self.store.remove(id)

    async def change(self, name: str, id: str, caller: Caller, *, paused: bool) -> Webhook:
        """Pauses it, or lets it go on from where it stood. Who lets it go on answers for it from then on."""
        room, hook = await self._find(name, id, caller)
        if paused:
            fields: dict[str, Any] = {"paused": f"Paused by {caller.user.name}."}
            self.deliverer.forget(hook)
        else:
            by = Author(caller.id, caller.user.name)
            ruling = caller.id not in room.policy.members
            fields = {"paused": "", "tries": 0, "failing": 0, "due": 0, "error": "", "by": by, "ruling": ruling}
        async with self._audit.noted(caller, "pause_webhook", room=room, webhook=id, paused=paused):
            await self.store.change(id, **msgspec.to_builtins(fields))
        changed = msgspec.structs.replace(hook, **fields)
        if not paused:
            self.deliverer.watch(changed)
        return changed

    # What could not be delivered

    async def letters(self, name: str, id: str, caller: Caller) -> list[DeadLetter]:
        """In the order of the log."""
        return await self.store.letters((await self._find(name, id, caller))[1].id)

    async def send_again(self, name: str, id: str, seq: int, caller: Caller) -> None:
        """Tries once more, at once; raises Unavailable with what went wrong."""
        hook = await self._with_letter(name, id, seq, caller)
        outcome = await self.deliverer.send_again(hook, seq)
        if not outcome.arrived:
            raise Unavailable(f"It did not arrive: {outcome.error}", retry_after=self._table.webhook_backoff)

    async def drop(self, name: str, id: str, seq: int, caller: Caller) -> None:
        """It will not be delivered."""
        await self._with_letter(name, id, seq, caller)
        await self.store.drop(id, seq)

    async def _with_letter(self, name: str, id: str, seq: int, caller: Caller) -> Webhook:
        hook = (await self._find(name, id, caller))[1]
        if seq not in {letter.seq for letter in await self.store.letters(id)}:
            raise NotFound("There is no such entry that could not be delivered.")
        return hook

    async def _find(self, name: str, id: str, caller: Caller) -> tuple[Room, Webhook]:
        room = await self._room(name, caller)
        for hook in await self.store.of(room.key, room.epoch):
            if hook.id == id:
                return room, hook
        raise NotFound("There is no such webhook.")

    async def _room(self, name: str, caller: Caller) -> Room:
        """The room; who rules it without reading it could hear by a webhook what is said there, and may not."""
        if caller.scope is not None:
            raise Forbidden("A bot's token is not for webhooks.")
        room = await self._access.to_moderate(name, caller)
        self._access.may_read(room, caller)
        return room
