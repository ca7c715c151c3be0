"""/api/desks and /api/conversations: support desks, for their visitors, their agents and administrators."""

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from chat.callers import Caller
from chat.conversations import Conversation, State
from chat.desk import Desk, DeskSettings
from chat.entries import Entry
from chat.errors import BadRequest, Forbidden, Unauthenticated
from chat.protocol import encode
from chat.support import NewConversation, Step
from handlers.base import ApiHandler
from handlers.paged import PagedHandler

STATES: tuple[State, ...] = ("waiting", "taken", "closed")


class DeskHandler(PagedHandler):
    """A handler of desks."""

    def administrator(self) -> Caller:
        """Who asks; raises Forbidden for all but administrators."""
        caller = self.caller()
        if not caller.admin or caller.scope is not None:
            raise Forbidden("Only administrators may do that.")
        return caller


class DesksHandler(DeskHandler):
    def get(self) -> None:
        """The desks of which one is an agent; for administrators all."""
        caller = self.caller()
        desks = self.chat.reception.desks
        own = desks.served_by(caller)
        shown = desks.all() if caller.admin and caller.scope is None else own
        self.answer({"desks": [_shown(desk, desk in own) for desk in shown]})


class OneDeskHandler(DeskHandler):
    lets_visitors = True

    async def get(self, name: str) -> None:
        self.answer(await self.chat.reception.desks.facts(name))

    async def delete(self, name: str) -> None:
        await self.chat.reception.keeping.remove(name, self.administrator())
        self.no_content()


class DeskSettingsHandler(DeskHandler):
    def get(self, name: str) -> None:
        self.answer(self.chat.reception.keeping.settings(name, self.caller()))

    async def put(self, name: str) -> None:
        caller = self.administrator()
        desk, is_new = await self.chat.reception.keeping.put(name, self.read(DeskSettings), caller)
        self.answer(desk, status=201 if is_new else 200)


class QueueHandler(DeskHandler):
    lets_visitors = True  # one who begins another conversation

    async def get(self, name: str) -> None:
        state = next((state for state in STATES if state == self.text("state")), None)
        if state is None:
            raise BadRequest("state is one of waiting, taken and closed.")
        size = self.page_size()
        before = self.query.number("before", None, least=0)
        support = self.chat.reception.support
        found = await support.queue(name, state, self.caller(), before=before, limit=size + 1)
        self.answer_page("conversations", found, size)

    async def post(self, name: str) -> None:
        wanted = self.read(NewConversation)
        opened, is_new = await self.chat.reception.support.open(name, wanted, self.request.remote_ip or "")
        self.answer(opened, status=201 if is_new else 200)


class OwnConversationHandler(ApiHandler):
    lets_visitors = True

    async def get(self, id: str) -> None:
        self.answer(await self.chat.reception.support.own(id, self.caller()))


class ConversationHandler(DeskHandler):
    async def get(self, id: str) -> None:
        self.answer(await self.chat.reception.support.detailed(id, self.caller()))

    async def post(self, id: str) -> None:
        self.answer(await self.chat.reception.support.step(id, self.read(Step), self.caller()))

    async def delete(self, id: str) -> None:
        await self.chat.reception.keeping.erase(id, self.administrator())
        self.no_content()


class TranscriptHandler(ApiHandler):
    """What was said, as a file; it is written little by little."""

    lets_visitors = True

    async def get(self, id: str) -> None:
        form = (self.query.all("as") or ["text"])[-1]
        if form not in ("text", "json"):
            raise BadRequest("as is text or json.")
        caller = self.sessions.identify(self.request)
        if caller is None:
            raise Unauthenticated("Sign in first.")
        conversation, title, said = await self.chat.reception.support.transcript(id, caller)
        day = _moment(conversation.made)[:10]
        ending = "txt" if form == "text" else "json"
        self.set_header("Content-Disposition", f'attachment; filename="{conversation.desk}-{day}.{ending}"')
        if form == "text":
            self.set_header("Content-Type", "text/plain; charset=utf-8")
        write = _as_text if form == "text" else _as_json
        self.write(_text_head(conversation, title) if form == "text" else _json_head(conversation, title))
        is_first = True
        async for entries in said:
            for line in write(entries, is_first=is_first):
                self.write(line)
                is_first = False
            await self.flush()
        if form == "json":
            self.write("\n]}\n")


def _shown(desk: Desk, serves: bool) -> dict[str, Any]:
    return {"name": desk.name, "title": desk.title, "room": desk.room, "serves": serves}


# Transcripts


def _text_head(conversation: Conversation, title: str) -> str:
    return f"{title}: conversation with {conversation.visitor.name}\nBegun {_moment(conversation.made)} UTC\n\n"


def _as_text(entries: Sequence[Entry], *, is_first: bool) -> Iterator[str]:
    for entry in entries:
        at = _moment(entry.at)
        if entry.kind == "text":
            said = "(deleted)" if entry.text is None else entry.text.replace("\n", "\n    ")
            yield f"[{at}] {entry.user.name}: {said}\n"
        elif entry.kind == "staff" and entry.data:
            yield f"[{at}] {entry.user.name} (staff): {entry.data['text']}\n"
        elif entry.kind == "desk.taken":
            yield f"[{at}] {entry.data['agent']['name'] if entry.data else entry.user.name} took over\n"
        elif entry.kind == "desk.closed":
            yield f"[{at}] {entry.user.name} closed the conversation\n"
        elif entry.kind == "desk.waiting":
            yield f"[{at}] {entry.user.name} handed the conversation back\n"


def _json_head(conversation: Conversation, title: str) -> bytes:
    head = {"desk": conversation.desk, "title": title, "visitor": conversation.visitor, "made": conversation.made}
    return encode(head)[:-1] + b',"entries":['


def _as_json(entries: Sequence[Entry], *, is_first: bool) -> Iterator[bytes]:
    for entry in entries:
        yield (b"\n" if is_first else b",\n") + entry.public_json()
        is_first = False


def _moment(at: int) -> str:
    return datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M")
