"""The document of the API says what there is, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import schemathesis
from tornado.testing import gen_test
from tornado.web import RequestHandler

from handlers.base import STATUS, ApiHandler, NotFoundHandler
from handlers.openapi.document import ERRORS, document, document_json
from handlers.site import Site
from handlers.socket import ChatSocket
from tests.cases import ChatTestCase

FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HOW = "describe it in handlers/openapi/ and run `make openapi`"


def documented() -> set[tuple[str, str]]:
    """Method and address, whose parts without fixed words are `{}`."""
    return {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, methods in document()["paths"].items()
        for method in methods
    }


def served(site: Site) -> Iterator[tuple[str, str]]:
    """The same of all that the application has handlers for."""
    for rule in site.wildcard_router.rules:
        pattern = rule.matcher.regex.pattern.removesuffix("$")  # type: ignore[attr-defined]
        is_call = pattern.startswith("/api/") or issubclass(rule.target, ApiHandler)
        if not is_call or rule.target in (NotFoundHandler, ChatSocket):
            continue  # pages, files, and what is no call
        path = re.sub(r"\(.*?\)", "{}", pattern).replace("\\", "")
        for method in METHODS:
            if getattr(rule.target, method.lower()) is not getattr(RequestHandler, method.lower()):
                yield method, path


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in a part of the document."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(each)


def test_it_is_valid() -> None:
    """It keeps to OpenAPI 3.1; each call has a name of its own, and says what the parts of its address are."""
    schemathesis.openapi.from_dict(document()).validate()
    calls = [(path, call) for path, methods in document()["paths"].items() for call in methods.values()]
    assert len({call["operationId"] for _, call in calls}) == len(calls)
    for path, call in calls:
        told = [each["name"] for each in call.get("parameters", ()) if each["in"] == "path"]
        assert told == re.findall(r"\{(\w+)\}", path), path


def test_the_file_is_that_of_the_code() -> None:
    """docs/openapi.json is what the code says."""
    assert FILE.read_bytes() == document_json(), "run `make openapi`"


def test_all_that_is_named_is_used() -> None:
    """No schema, answer or header is left over, and none is missing."""
    whole = document()
    used = {part["$ref"] for part in parts(whole) if "$ref" in part}
    used |= {place for part in parts(whole) for place in part.get("discriminator", {}).get("mapping", {}).values()}
    components = whole["components"]
    named = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses", "headers") for name in components[kind]}
    assert used == named


def test_errors_have_the_codes_of_the_contract() -> None:
    """Each code has its description and its place in the schema of errors."""
    assert ERRORS.keys() == STATUS.keys()
    assert set(document()["components"]["schemas"]["Reason"]["properties"]["code"]["enum"]) == STATUS.keys()


class OpenApiTest(ChatTestCase):
    def test_every_call_is_in_it_and_nothing_else(self) -> None:
        """What the application answers below /api, and what the document says, are the same."""
        assert isinstance(self._app, Site)
        calls = set(served(self._app))
        assert ("GET", "/api/rooms/{}/messages") in calls and ("GET", "/healthz") in calls
        assert sorted(calls - documented()) == [], HOW
        assert sorted(documented() - calls) == [], "there is no such call any more"

    @gen_test
    async def test_it_is_served(self) -> None:
        """Everybody can read it."""
        answer = await self.call("GET", "/api/openapi.json")
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.body == json.loads(FILE.read_bytes())
