"""The document of the API as tests read it."""

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

from handlers.openapi.document import document

Schema = dict[str, Any]
WHOLE = document()


class Form(NamedTuple):
    """One form of a body: the schemas of its fields, and which of them it needs. `type` is its name, if it has one."""

    fields: dict[str, Schema]
    needed: frozenset[str]

    @property
    def kind(self) -> str:
        return str(self.fields["type"]["enum"][0]) if "type" in self.fields else ""


class Operation(NamedTuple):
    """A call as the document has it."""

    method: str
    path: str
    content: dict[str, Any]

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"

    def parameters(self, place: str) -> list[str]:
        """The names of those in the `path`, the `query` or the `header`."""
        return [each["name"] for each in self.content.get("parameters", ()) if each["in"] == place]

    @property
    def forms(self) -> list[Form]:
        """What its body may be; nothing for one that has none."""
        if "requestBody" not in self.content:
            return []
        return list(_forms(self.content["requestBody"]["content"]["application/json"]["schema"]))


def operations() -> Iterator[Operation]:
    """All that the document has."""
    for path, methods in WHOLE["paths"].items():
        for method, content in methods.items():
            yield Operation(method.upper(), path, content)


def operation(method: str, path: str) -> Operation:
    """One of them."""
    return Operation(method.upper(), path, WHOLE["paths"][path][method.lower()])


def strict() -> dict[str, Any]:
    """The document, with answers that have no fields but those it names: clients may meet others, tests may not."""
    whole = copy.deepcopy(WHOLE)
    for schema in whole["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return whole


def _forms(schema: Schema) -> Iterator[Form]:
    if "$ref" in schema:
        yield from _forms(WHOLE["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    elif "anyOf" in schema:
        for each in schema["anyOf"]:
            yield from _forms(each)
    else:
        yield Form(schema["properties"], frozenset(schema["required"]))
