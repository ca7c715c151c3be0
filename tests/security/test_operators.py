"""MongoDB's operators in what clients send are never more than words."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import inspect
from tornado.testing import gen_test

import handlers.routes
from chat.protocol import AnyCommand, Send, Signal
from tests.cases import ChatTestCase
from tests.rooms import new_key

assert handlers.routes  # all handlers, and so all bodies that they read, are known

OPERATORS: list[Any] = [
    *({"$gt": ""}, {"$ne": None}, {"$regex": ".*"}, {"$where": "sleep(1000)"}, {"$in": ["ann"]}, {"$exists": True}),
    *([{"$gt": ""}], {"": {"$gt": ""}}, {"$set": {"text": "x"}}),
]
PASSWORD = "correct horse battery"
# Valid bodies: of those that are answered at all, each field in turn becomes an operator.
BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/session", {"name": "cid", "password": PASSWORD}),
    ("POST", "/api/account", {"name": "dan", "password": PASSWORD, "email": "dan@example.org"}),
    (
        "PATCH",
        "/api/account",
        {"name": "x", "password": PASSWORD, "display": "x", "colour": "", "status": "", "picture": ""},
    ),
    ("PATCH", "/api/account", {"email": "x@example.org", "password": PASSWORD}),
    ("POST", "/api/account/password", {"old": PASSWORD, "new": PASSWORD}),
    ("DELETE", "/api/account", {"password": PASSWORD, "messages": "keep"}),
    ("POST", "/api/account/tokens", {"name": "x", "rooms": ["a"], "write": True, "days": 30}),
    ("POST", "/api/setup", {"token": "x", "name": "eve", "password": PASSWORD}),
    ("POST", "/api/rooms", {"name": "b", "title": "B", "access": "open", "lifetime": "kept", "read_only": False}),
    (
        "PATCH",
        "/api/rooms/a",
        {"title": "x", "access": "open", "lifetime": 3, "read_only": True, "locked": True, "slow": 1},
    ),
    ("PUT", "/api/rooms/a/members/ann", {"role": "owner"}),
    ("POST", "/api/rooms/a/invitations", {"hours": 1, "uses": 1}),
    ("POST", "/api/direct", {"people": ["ann"]}),
    ("POST", "/api/rooms/a/moderation", {"act": "mute", "who": "g-1", "seconds": 1, "reason": "x"}),
    ("POST", "/api/rooms/a/moderation", {"act": "remove", "seq": 1, "reason": "x"}),
    ("POST", "/api/rooms/a/reports", {"seq": 1, "reason": "x"}),
    ("POST", "/api/admin/addresses", {"range": "203.0.113.0/24", "seconds": 1, "reason": "x"}),
    ("POST", "/api/rooms/a/messages", {"key": "", "text": "x"}),
    ("POST", "/api/rooms/a/messages", {"key": "", "kind": "poll", "data": {}}),
    *(
        ("POST", "/api/rooms/a/commands", {"type": kind, **fields})
        for kind, fields in {
            "send": {"key": "", "text": "x"},
            "edit": {"key": "", "target": 1, "text": "x"},
            "delete": {"key": "", "target": 1},
            "react": {"key": "", "target": 1, "emoji": "x", "on": True},
            "read": {"seq": 1},
        }.items()
    ),
]


def bodies() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Method, address, the field, and the body in which it is an operator."""
    for (method, path, body), operator in product(BODIES, OPERATORS):
        for field in body:
            if field != "data":
                yield method, path, field, body | ({"key": new_key()} if "key" in body else {}) | {field: operator}


def structs(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for each in kind.__subclasses__():
        yield each
        yield from structs(each)


def loose(found: inspect.Type) -> bool:
    """Whether a type lets an object of any fields through."""
    match found:
        case inspect.AnyType() | inspect.DictType() | inspect.RawType() | inspect.CustomType():
            return True
        case inspect.UnionType():
            return any(loose(each) for each in found.types)
        case inspect.ListType() | inspect.SetType() | inspect.VarTupleType():
            return loose(found.item_type)
    return False


def test_every_field_of_every_body_has_a_type() -> None:
    """No body that a handler reads, and no command, takes an object in a field, but for `data`, which is text to us."""
    read = [
        each
        for each in structs(msgspec.Struct)
        if each.__module__.startswith(("handlers.", "chat.")) and each.__struct_config__.forbid_unknown_fields
    ]
    commands = list(AnyCommand.__args__)
    assert len(read) >= 15 and Send in commands
    for struct in [*read, *commands]:
        info = inspect.type_info(struct)
        assert isinstance(info, inspect.StructType)
        for field in info.fields:
            is_text_to_us = field.name == "data" and struct in (Send, Signal)
            assert is_text_to_us or not loose(field.type), (struct, field.name)


class OperatorsTest(ChatTestCase):
    async def setting(self) -> str:
        """Somebody with an account, and a message; the token."""
        answer = await self.call(
            "POST", "/api/account", {"name": "ann", "password": PASSWORD, "email": "a@example.org"}
        )
        assert answer.status == 201, answer
        token = str(answer.body["token"])
        await self.send("a", "one", token=token)
        return token

    @gen_test(timeout=60)
    async def test_in_every_field(self) -> None:
        """An operator in the place of any value is refused, and nothing is found or changed by it."""
        token = await self.setting()
        before = self.stored()
        for method, path, field, body in bodies():
            answer = await self.call(method, path, body, token=token)
            assert answer.status in (400, 401, 403, 404, 405), (path, field, body, answer)
        assert self.stored() == before
        assert (await self.call("GET", "/api/session", token=token)).status == 200

    @gen_test
    async def test_in_addresses(self) -> None:
        """In a path or a query they are names, of things that there are not."""
        token = await self.setting()
        for operator in map(json.dumps, OPERATORS):
            for path in ("/api/rooms/%s/messages", "/api/people/%s", "/api/rooms/a/members/%s", "/api/invitations/%s"):
                answer = await self.call("GET", path % quote(operator, safe=""), token=token)
                assert 400 <= answer.status < 500, answer
            for name in ("room", "after", "epoch", "room[$gt]", "after[$gt]"):
                query = urlencode({"room": "a", "after": 0, "wait": 0} | {name: operator})
                answer = await self.call("GET", f"/api/poll?{query}", token=token)
                if name in ("room", "after"):
                    assert answer.status == 400, answer
                else:  # another epoch, or an argument that means nothing: the room's own messages and no others
                    assert [each["text"] for each in answer.body["rooms"]["a"]["entries"]] == ["one"]
        assert self.stored()["rooms"][0]["name"] == "a"

    @gen_test
    async def test_in_tokens_and_names(self) -> None:
        """Who one is cannot be asked for by an operator either."""
        token = await self.setting()
        for operator in map(json.dumps, OPERATORS[:4]):  # of more than ten wrong ones the rest would be 429
            assert (await self.call("GET", "/api/session", token=operator)).status == 401
            answer = await self.call("POST", "/api/session", {"name": operator, "password": operator})
            assert answer.status in (400, 401)
        assert (await self.call("GET", "/api/session", token=token)).status == 200

    @gen_test
    async def test_data_comes_back_as_it_was(self) -> None:
        """The one field that may hold anything is text to the database."""
        token = await self.setting()
        for operator in OPERATORS:
            data = {"$where": operator, "a.b": {"$gt": ""}, "": None}
            body = {"key": new_key(), "kind": "poll", "data": data}
            seq = (await self.call("POST", "/api/rooms/a/messages", body, token=token)).body["seq"]
            page = (await self.page("a", token=token)).body["entries"]
            assert page[-1]["seq"] == seq and page[-1]["data"] == data
        assert page[0]["text"] == "one"
