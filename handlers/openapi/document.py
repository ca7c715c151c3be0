"""The OpenAPI document (version 3.1) of all calls, made of their tables and of the structs that handlers read."""

from collections.abc import Iterator
from functools import lru_cache
from http.client import responses
from typing import Any

import msgspec

from chat.protocol import VERSION
from handlers.base import STATUS
from handlers.identity import COOKIE
from handlers.openapi import desks, hooks, oversight, people, rooms
from handlers.openapi.answers import Failure
from handlers.openapi.calls import Asker, Call, Media, Query
from handlers.openapi.schemas import Json, Schemas

JSON = "application/json"

TAGS: dict[str, tuple[Call, ...]] = {
    "Sessions": people.SESSION,
    "Accounts": people.ACCOUNT,
    "People": people.PROFILES,
    "Entrances": people.ENTRANCES,
    "Rooms": rooms.ROOMS,
    "Members": rooms.MEMBERS,
    "Messages": rooms.MESSAGES,
    "Pairing": rooms.PAIRING,
    "Hooks": hooks.HOOKS,
    "Desks": desks.DESKS,
    "Moderation": oversight.MODERATION,
    "Administration": oversight.ADMINISTRATION,
    "Server": oversight.SERVER,
}

ERRORS = {
    "bad_request": "The contract is broken; the reason says how.",
    "unauthenticated": "Not, or no longer, signed in; or a wrong password or token.",
    "forbidden": "Not allowed.",
    "not_found": "There is no such thing, or none that one may see.",
    "name_taken": "Somebody else has the name.",
    "too_large": "A text, a message or a body over its limit.",
    "rate_limited": "Too much at once.",
    "unavailable": "MongoDB is away, or the server is full or stopping. Whether a change was stored is not known.",
}
# What the server answers to one who comes by a name that is not its own.
MISDIRECTED = 421
ELSEWHERE = "The server does not go by that name."
# Waiting helps, or may: a ban ends as well.
WAITING = ("forbidden", "rate_limited", "unavailable")

SECURITY = {
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": f"Over https `__Host-{COOKIE}`."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The token of a session or of a bot."},
    "username": {"type": "apiKey", "in": "query", "name": "username", "description": "A guest for this request alone."},
}
ASKERS: dict[Asker, list[Json]] = {
    "nobody": [{}],
    "anybody": [{}, {"cookie": []}, {"bearer": []}, {"username": []}],
    "somebody": [{"cookie": []}, {"bearer": []}, {"username": []}],
    "account": [{"cookie": []}, {"bearer": []}],
}

# Parts of addresses, by their names.
PARTS = {
    "room": "The name of a room.",
    "desk": "The name of a support desk.",
    "id": "An id.",
    "who": "The id or the name of somebody.",
    "token": "What stands at the end of the link.",
    "seq": "The number of an entry.",
    "range": "A range of addresses, like 203.0.113.0/24.",
}


@lru_cache(maxsize=1)
def document_json(root: str = "/") -> bytes:
    """The document as it is served, and stands in docs/openapi.json; `root` is what all addresses begin with."""
    return msgspec.json.format(msgspec.json.encode(document(root)), indent=1) + b"\n"


def document(root: str = "/") -> Json:
    """The whole document."""
    schemas = Schemas()
    paths: dict[str, Json] = {}
    for tag, calls in TAGS.items():
        for call in calls:
            paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, tag, schemas)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Parley",
            "version": str(VERSION),
            "summary": "The calls of a chat server.",
            "description": "docs/protocol.md says what they mean, and how sockets speak. Times are milliseconds since "
            "the Unix epoch. Clients ignore fields that they do not know; the server refuses those that it does not.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": root}],
        "tags": [{"name": tag} for tag in TAGS],
        "paths": paths,
        "components": {
            "securitySchemes": SECURITY,
            "responses": {
                **{code: _failure(said, schemas, waits=code in WAITING) for code, said in ERRORS.items()},
                "misdirected": _failure(ELSEWHERE, schemas),
            },
            "headers": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
            "schemas": dict(sorted(schemas.named.items())),
        },
    }


def _operation(call: Call, tag: str, schemas: Schemas) -> Json:
    operation: Json = {"operationId": call.id, "summary": call.summary, "tags": [tag], "security": ASKERS[call.asker]}
    if call.description:
        operation["description"] = call.description
    parameters = [_part(name) for name in call.parameters] + [_argument(each, schemas) for each in call.query]
    if parameters:
        operation["parameters"] = parameters
    if call.body is not None:
        schema = schemas.of(call.body.type, without=call.body.without, name=call.body.name)
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    operation["responses"] = dict(sorted(_responses(call, schemas)))
    return operation


def _part(name: str) -> Json:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": PARTS[name], "schema": schema}


def _argument(query: Query, schemas: Schemas) -> Json:
    return {
        "name": query.name,
        "in": "header" if query.header else "query",
        "required": query.required,
        "description": query.description,
        "schema": schemas.of(query.type),
    }


# Answers


def _responses(call: Call, schemas: Schemas) -> Iterator[tuple[str, Json]]:
    errors = {STATUS[code]: code for code in call.codes}
    for status, code in errors.items():
        if status not in call.answers:
            yield str(status), _page(ERRORS[code]) if call.page else {"$ref": f"#/components/responses/{code}"}
    yield str(MISDIRECTED), _page(ELSEWHERE) if call.page else {"$ref": "#/components/responses/misdirected"}
    for status, answer in call.answers.items():
        yield str(status), _answer(status, [answer, Failure] if status in errors else [answer], schemas)


def _answer(status: int, kinds: list[Any], schemas: Schemas) -> Json:
    """One answer, which is of one of several kinds."""
    first = kinds[0]
    if first is None:
        return {"description": responses[status]}
    if isinstance(first, Media):
        return {"description": first.description} | _content({key: {} for key in first.types})
    found = [schemas.of(kind) for kind in kinds]
    schema = found[0] if len(found) == 1 else {"anyOf": found}
    return {"description": responses[status]} | _content({JSON: {"schema": schema}})


def _content(content: Json) -> Json:
    return {"content": content} if content else {}


def _page(description: str) -> Json:
    return {"description": description, "content": {"text/html": {}}}


def _failure(description: str, schemas: Schemas, *, waits: bool = False) -> Json:
    headers = {"headers": {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}} if waits else {}
    return {"description": description, "content": {JSON: {"schema": schemas.of(Failure)}}} | headers
