"""Requests of all kinds, made from the API's own document, find no fault in the server, nor in the document."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tornado.testing import gen_test

from tests.api import Form, operation, strict
from tests.ground import ROLES, SETTINGS, Ground, Place
from tests.openid_case import OpenIdCase
from tests.waiting import PATIENCE

LEAST = 2_000
# Cases of one call in each role, about what there is: the best of it, and any of it. And in one role, in turn: as the
# document allows, and not.
BEST, FITTING = 2, 4
ALLOWED, WRONG = 3, 4

ANSWERS: list[CheckFunction] = [not_a_server_error, status_code_conformance]
BODIES: list[CheckFunction] = [content_type_conformance, response_headers_conformance, response_schema_conformance]
SHOWN = 5
"""Failures that are told."""

Cases = Callable[[], st.SearchStrategy[Case]]


@st.composite
def fitting(draw: st.DrawFn, allowed: st.SearchStrategy[Case], place: Place, *, best: bool = False) -> Case:
    """One of the cases that are allowed, about what there is: any of it, or the `best`, and all of that."""
    case = draw(allowed)
    wanted = case.operation
    case.path_parameters = {
        name: draw(st.sampled_from(values[:1] if best else values))
        for name, values in place.parts(wanted.path).items()
        if name in case.path_parameters
    }
    names = {parameter.name for parameter in wanted.query}
    arguments = place.arguments(wanted.path)
    case.query = {name: arguments[name] for name in arguments if name in names and (best or draw(st.booleans()))}
    if isinstance(case.body, dict):
        form = form_of(case)
        fits = {name: value for name, value in place.fields(wanted.path) if name in form.fields}
        optional = [name for name in fits if name not in form.needed and not best and draw(st.booleans())]
        case.body = {name: case.body[name] for name in form.needed} | fits
        for name in optional:
            del case.body[name]
    return case


def form_of(case: Case) -> Form:
    """The form of the case's body."""
    forms = operation(case.operation.method, case.operation.path).forms
    return next(form for form in forms if not form.kind or form.kind == case.body["type"])


def is_stream(operation: APIOperation) -> bool:
    return bool(operation.path == "/api/stream")


class OpenApiTest(OpenIdCase):
    settings: ClassVar[dict[str, Any]] = SETTINGS

    @pytest.mark.timeout(300)
    @gen_test(timeout=290)
    async def test_cases(self) -> None:
        """Whoever asks, and whatever: no server error in 2,000 cases, and answers as the document has them."""
        loop = asyncio.get_running_loop()

        def administrator(name: str) -> str:
            return asyncio.run_coroutine_threadsafe(self.account(name, admin=True), loop).result()

        self.ground = Ground(self.get_url(""), administrator)
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.found: list[str] = []
        await asyncio.to_thread(self.try_all)
        assert not self.found, "\n".join(self.found[:SHOWN])
        assert self.statuses.total() >= LEAST
        done = {label for label, status in self.statuses if status < 400}
        others = {
            "POST /api/setup",
            "GET /api/openid/callback",
            "GET /api/conversations/{id}/own",
            # Nothing that could not be delivered is there.
            "POST /api/rooms/{room}/webhooks/{id}/letters/{seq}",
            "DELETE /api/rooms/{room}/webhooks/{id}/letters/{seq}",
        }  # for none of the three
        assert {label for label, _ in self.statuses} - done <= others

    def try_all(self) -> None:
        schema, roles = schemathesis.openapi.from_dict(strict()), itertools.cycle(ROLES)
        for result in schema.get_all_operations():
            operation = result.ok()
            allowed = operation.as_strategy()
            # What stands in an address alone is never of a wrong type.
            can_be_wrong = operation.body or operation.query
            wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) if can_be_wrong else None
            for role in ROLES:
                self.try_fitting(role, allowed)
            self.try_any(next(roles), allowed, wrong)
            if operation.method != "get":
                self.ground.leave()

    def try_fitting(self, role: str, allowed: st.SearchStrategy[Case]) -> None:
        place = self.ground.place
        self.try_cases(role, BEST, lambda: fitting(allowed, place(role), best=True))
        self.try_cases(role, FITTING, lambda: fitting(allowed, place(role)))

    def try_any(self, role: str, allowed: st.SearchStrategy[Case], wrong: st.SearchStrategy[Case] | None) -> None:
        self.try_cases(role, ALLOWED, lambda: allowed)
        if wrong is not None:
            self.try_cases(role, WRONG, lambda: wrong)

    def try_cases(self, role: str, number: int, cases: Cases) -> None:
        @hypothesis.settings(
            max_examples=number,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
            derandomize=True,
            database=None,
            deadline=None,
        )
        @hypothesis.given(st.data())
        def each(data: st.DataObject) -> None:
            self.try_case(data.draw(cases()), role)

        each()

    def try_case(self, case: Case, role: str) -> None:
        headers = {"Authorization": f"Bearer {self.ground.place(role).token}"}
        follows = is_stream(case.operation)
        response = self.send(case, headers, follows=follows)
        self.statuses[case.operation.label, response.status_code] += 1
        endless = follows and response.status_code == 200
        try:
            case.validate_response(response, checks=ANSWERS + ([] if endless else BODIES))
        except (Exception, schemathesis.core.failures.FailureGroup) as error:
            self.found.append(f"As {role}: {error}")
        if case.operation.method != "get" and response.status_code < 300:
            self.ground.mend(role)

    def send(self, case: Case, headers: dict[str, str], *, follows: bool) -> requests.Response:
        """The answer; of one that does not end the first line."""
        arguments = case.as_transport_kwargs(self.ground.url, headers)
        response = self.ground.session.request(**arguments, stream=follows, allow_redirects=False, timeout=PATIENCE)
        if follows and response.status_code == 200:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            assert next(response.iter_lines()).startswith((b"id:", b"data:"))
            response.close()
        return response
