"""The JSON Schemas of what is sent and answered, as msgspec makes them of the types."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.inspect import (
    CollectionType,
    DictType,
    Field,
    StructType,
    TupleType,
    Type,
    TypedDictType,
    UnionType,
    type_info,
)

Json = dict[str, Any]

PLACE = "#/components/schemas/"


class Schemas:
    """The schemas that have names, which stand in one place of the document."""

    def __init__(self) -> None:
        self.named: dict[str, Json] = {}

    def of(self, type: Any, *, without: tuple[str, ...] = (), name: str = "") -> Json:
        """The schema of a type; raises ValueError if one of that name has another already.

        Structs in it go `without` some of their fields. `name` is what it is called then.
        """
        (schema,), components = msgspec.json.schema_components([type], ref_template=PLACE + "{name}")
        structs = {each.cls.__name__: each.cls for each in _structs(type_info(type))}
        for component, found in components.items():
            _tidy(found, structs.get(component))
            for field in without:
                found["properties"].pop(field)
                found["required"] = [each for each in found["required"] if each != field]
        if name:
            only = schema.get("$ref", "").removeprefix(PLACE)
            schema = self._keep(name, components.pop(only) | {"title": name} if only else schema)
        for component, found in components.items():
            self._keep(component, found)
        return schema

    def _keep(self, name: str, schema: Json) -> Json:
        if self.named.setdefault(name, schema) != schema:
            raise ValueError(f"two types are called {name}")
        return {"$ref": PLACE + name}


def _tidy(schema: Json, struct: type[msgspec.Struct] | None) -> None:
    """Descriptions without line breaks, and with the words of JSON. What the server answers has all its fields, unless
    it leaves out those that have their defaults."""
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split()).replace("None", "null")
    if struct is None or struct.__struct_config__.forbid_unknown_fields or struct.__struct_config__.omit_defaults:
        return
    schema["required"] = list(schema["properties"])
    for field in schema["properties"].values():
        field.pop("default", None)


def _structs(info: Type, seen: set[type] | None = None) -> Iterator[StructType]:
    """The structs that a type is made of."""
    seen = set() if seen is None else seen
    inner: tuple[Type, ...] = ()
    match info:
        case StructType(cls=found) | TypedDictType(cls=found):
            if found not in seen:
                seen.add(found)
                fields: tuple[Field, ...] = info.fields
                inner = tuple(field.type for field in fields)
                if isinstance(info, StructType):
                    yield info
        case UnionType():
            inner = info.types
        case CollectionType():
            inner = (info.item_type,)
        case TupleType():
            inner = info.item_types
        case DictType():
            inner = (info.key_type, info.value_type)
    for each in inner:
        yield from _structs(each, seen)
