"""What the pages for accounts, rooms and the administration have in common: they fit a phone, and can be heard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from .person import Member, Person, Visit
from .server_process import ServerProcess
from .test_access import nameless
from .test_appearance import PHONE, fits

LONG = "w" * 100
# Pages for those who are not signed in, and pages that an administrator sees; a place is filled in.
DOORS = ("/sign-in", "/register", "/join/{token}", "/join/wrong", "/setup")
PARTS = ("figures", "people", "rooms", "reports", "audit", "addresses")
INSIDE = ("/", "/account", "/chat/{room}/settings", "/join/{token}", *(f"/admin#{part}" for part in PARTS))


@pytest.fixture
def places(member: Member, server: ServerProcess, room: str) -> dict[str, str]:
    """A room full of long words, an invitation to it, and a report."""
    owner = member("o" * 20)
    server.call("PATCH", "/api/account", {"status": "s" * 140, "display": f"{room} " + "d" * 20}, owner.token)
    wanted = {"name": f"{room}-" + "r" * 50, "title": LONG, "access": "link"}
    name = str(server.call("POST", "/api/rooms", wanted, owner.token)["name"])
    invitation = server.call("POST", f"/api/rooms/{name}/invitations", {"uses": 0}, owner.token)
    server.say(room, "x" * 300, "y" * 32)
    server.call("POST", f"/api/rooms/{room}/reports", {"seq": 1, "reason": "z" * 200}, owner.token)
    ban = {"range": "2001:db8:1234:5678::/64", "seconds": 60, "reason": "q" * 100}
    root = member("r" * 20, admin=True)
    server.call("POST", "/api/admin/addresses", ban, root.token)
    muted = server.call("GET", "/api/account", token=owner.token)["id"]
    server.call("POST", f"/api/rooms/{room}/moderation", {"act": "mute", "who": muted}, root.token)
    return {"room": name, "token": str(invitation["token"])}


def pages(person: Person, paths: tuple[str, ...], places: dict[str, str]) -> Iterator[str]:
    """Opens one page after the other, and waits until it is there."""
    for path in paths:
        person.page.goto("about:blank")
        person.page.goto(person.origin + path.format(**places))
        person.page.wait_for_load_state("networkidle")
        yield path


def looks_right(person: Person, path: str) -> None:
    """Fails where something sticks out, has no name, or brings styles of its own."""
    fits(person.page)
    assert nameless(person) == [], path
    assert person.page.locator("style, [style], script:not([src]), [onclick]").count() == 0, path
    expect(person.page.get_by_role("heading", level=1)).to_have_count(1)


def test_the_pages_at_the_door_fit_a_phone(visit: Visit, places: dict[str, str]) -> None:
    """At 390 × 844 nothing sticks out of them, and everything in them has a name."""
    stranger = visit(expects=(r"status of 40[14]",), **PHONE)
    for path in pages(stranger, DOORS, places):
        looks_right(stranger, path)


def test_the_pages_inside_fit_a_phone(member: Member, places: dict[str, str]) -> None:
    """At 390 × 844 nothing sticks out of them, however long the words, and everything in them has a name."""
    root = member("root", admin=True, **PHONE)
    for path in pages(root, INSIDE, places):
        looks_right(root, path)
    root.page.locator("#account summary").tap()
    fits(root.page)


def test_the_dialogs_of_a_room_fit_a_phone(member: Member, server: ServerProcess, room: str) -> None:
    """The card of a person, the question before a sanction, and being out fit at 390 × 844."""
    root = member("root", admin=True, **PHONE)
    bob = member("b" * 20, expects=(r"status of 403",), **PHONE).enter(room)
    server.call("PATCH", "/api/account", {"status": "s" * 140}, bob.token)
    root.enter(room)
    root.page.locator("#people-toggle").tap()
    root.page.locator("#people").get_by_role("button", name=bob.account).tap()
    card = root.page.get_by_role("dialog", name=bob.account)
    expect(card).to_contain_text("sss")
    fits(root.page)
    assert nameless(root) == []
    card.get_by_role("button", name="Ban").tap()
    dialog = root.page.get_by_role("dialog", name=f"Ban {bob.account} from the room?")
    expect(dialog.get_by_role("button", name="Ban")).to_be_in_viewport(ratio=1)
    fits(root.page)
    dialog.get_by_label("Reason").fill("q" * 200)
    dialog.get_by_role("button", name="Ban").tap()
    expect(bob.page.locator("#out")).to_be_visible()
    fits(bob.page)
    assert nameless(bob) == []
