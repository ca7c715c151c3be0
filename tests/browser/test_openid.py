"""Signing in with an OpenID provider: the buttons of the pages, and a provider on another site."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, TestProvider

from .conftest import running
from .person import Person, Visit
from .server_process import PASSWORD, ServerProcess

# Browsers tell localhost from 127.0.0.1, where the server is, as they tell any two sites.
OTHER_SITE = "localhost"

_subjects = itertools.count(1)


@pytest.fixture(scope="module")
def provider() -> Iterator[TestProvider]:
    """A provider that shows a page with a button, in a thread of its own."""
    made: list[TestProvider] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    async def make() -> None:
        made.append(TestProvider(host=OTHER_SITE))
        made[0].asks = True
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(make())
        loop.run_forever()
        made[0].close()
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    yield made[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture(scope="module")
def place(session_folder: Path, provider: TestProvider) -> Iterator[ServerProcess]:
    """A server that knows it."""
    yield from running(
        session_folder / "openid",
        f"--openid-issuer={provider.issuer}",
        f"--openid-client-id={CLIENT_ID}",
        f"--openid-client-secret={CLIENT_SECRET}",
        "--openid-label=the tests",
    )


@pytest.fixture
def name(provider: TestProvider) -> str:
    """Somebody whom the provider knows and nobody else does yet."""
    number = next(_subjects)
    provider.person = {"sub": f"subject {number}", "preferred_username": f"ann-{number}", "name": "Ann Arbor"}
    return f"ann-{number}"


def agree(person: Person) -> None:
    """Presses the button of the provider's page."""
    person.page.get_by_role("button", name="Sign in as Ann Arbor").click()


def expected(provider: TestProvider) -> tuple[str, ...]:
    return (rf"{provider.issuer}/",)


@pytest.mark.parametrize("scripts", [True, False])
def test_one_signs_in_with_a_button(
    visit: Visit, place: ServerProcess, provider: TestProvider, name: str, scripts: bool
) -> None:
    """One presses the button, agrees on the provider's page and is signed in; no script is needed."""
    ann = visit(place=place, expects=expected(provider), java_script_enabled=scripts)
    for _ in range(2):  # the second time it is the same account
        ann.goto("/sign-in", next="/sign-in")
        ann.page.get_by_role("link", name="Continue with the tests").click()
        agree(ann)
        expect(ann.page.get_by_text(f"You are signed in as {name}.")).to_be_visible()
        ann.page.get_by_role("button", name="Sign out").click()


def test_one_is_in_the_room_then(
    visit: Visit, place: ServerProcess, provider: TestProvider, name: str, room: str
) -> None:
    """One goes on to the room where one was, under the name of the account."""
    ann = visit(place=place, expects=expected(provider))
    ann.goto("/sign-in", next=f"/chat/{room}")
    ann.page.get_by_role("link", name="Continue with the tests").click()
    agree(ann)
    ann.is_online()
    expect(ann.page.locator("#account-name")).to_have_text(name)
    ann.say("here I am")
    expect(ann.message("here I am").locator(".name")).to_have_text(name)


def test_one_sets_a_password_later(visit: Visit, place: ServerProcess, provider: TestProvider, name: str) -> None:
    """An account without a password is asked for none, and sets one; then it can be unlinked."""
    ann = visit(place=place, expects=expected(provider))
    ann.goto("/sign-in", next="/account")
    ann.page.get_by_role("link", name="Continue with the tests").click()
    agree(ann)
    linked = ann.page.get_by_role("region", name="Sign-in with the tests")
    expect(linked.get_by_role("status")).to_have_text("It leads into this account.")
    password = ann.page.get_by_role("region", name="Password")
    expect(password.get_by_label("The password until now")).to_be_hidden()
    password.get_by_label("The new password").fill(PASSWORD)
    password.get_by_role("button", name="Change the password").click()
    expect(password.get_by_role("status")).to_contain_text("Changed.")
    linked.get_by_role("button", name="Unlink").click()
    ann.page.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    expect(linked.get_by_role("status")).to_have_text("It does not lead into this account yet.")
    expect(linked.get_by_role("button", name="Unlink")).to_be_hidden()


def test_one_links_an_account(visit: Visit, place: ServerProcess, provider: TestProvider, name: str) -> None:
    """Who has a password links the provider on the account's page, and comes in by it afterwards."""
    bob = visit(place=place, expects=expected(provider))
    bob.goto("/register", next="/account")
    bob.page.get_by_label("Name").fill(f"bob of {name}")
    bob.page.get_by_label("Password", exact=True).fill(PASSWORD)
    bob.page.get_by_role("button", name="Register").click()
    linked = bob.page.get_by_role("region", name="Sign-in with the tests")
    expect(linked.get_by_role("status")).to_have_text("It does not lead into this account yet.")
    linked.get_by_role("link", name="Link with the tests").click()
    agree(bob)
    expect(linked.get_by_role("status")).to_have_text("It leads into this account.")
    bob.context.clear_cookies()
    bob.goto("/sign-in", next="/sign-in")
    bob.page.get_by_role("link", name="Continue with the tests").click()
    agree(bob)
    expect(bob.page.get_by_text(f"You are signed in as bob of {name}.")).to_be_visible()


def test_one_who_goes_back_may_try_again(visit: Visit, place: ServerProcess, provider: TestProvider, name: str) -> None:
    """An answer that is none is told on a page, from which one gets to the sign-in again."""
    ann = visit(place=place, expects=(*expected(provider), r"status of 400 .*/api/openid/callback"))
    ann.goto("/api/openid/callback", state="x", code="y")
    expect(ann.page.get_by_text("This sign-in was begun in another browser, or too long ago.")).to_be_visible()
    ann.page.get_by_role("link", name="Try again").click()
    expect(ann.page.get_by_role("link", name="Continue with the tests")).to_be_visible()
