"""The page of the administrators."""

import re

from playwright.sync_api import Locator, expect

from .person import Member, Person, Visit
from .server_process import PASSWORD, ServerProcess


def administration(person: Person, part: str = "") -> Person:
    person.goto("/admin" + (f"#{part}" if part else ""))
    expect(person.page.locator(".admin-part").filter(visible=True)).to_have_count(1)
    return person


def row(person: Person, text: str) -> Locator:
    return person.page.locator(".admin-part").filter(visible=True).get_by_role("listitem").filter(has_text=text)


def agree(person: Person, action: str) -> None:
    dialog = person.page.get_by_role("dialog")
    dialog.get_by_role("button", name=action).click()
    expect(dialog).to_be_hidden()


def test_the_page_is_for_administrators(member: Member, visit: Visit) -> None:
    """Others are told so in plain words, and strangers are led to the sign-in."""
    ann = member("ann", expects=(r"status of 403 .*/admin",))
    ann.goto("/admin")
    expect(ann.page.get_by_text("This page is for the administrators of this server.")).to_be_visible()
    stranger = visit()
    stranger.goto("/admin")
    expect(stranger.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_figures_are_drawn(member: Member) -> None:
    """The figures of now stand there with lines of the last minutes, which a screen reader is told in words."""
    root = administration(member("root", admin=True))
    tiles = root.page.locator("#figures li")
    expect(tiles).to_have_count(8)
    connections = tiles.filter(has_text="Connections")
    expect(connections).to_contain_text("websocket")
    plot = connections.get_by_role("img")
    expect(plot).to_have_attribute("aria-label", re.compile(r"^Connections in the last five minutes: now \d+, lowest"))
    expect(connections.locator("polyline")).to_have_attribute("points", re.compile(r"^[\d.,]+( [\d.,]+)*$"))
    plot.hover()
    expect(connections.locator(".figure-note")).to_have_text(re.compile(r"^(now|\d+ s ago): \d+"))


def test_people_are_found_and_banned(member: Member, room: str) -> None:
    """Somebody is found by name and banned: they are out of the room at once, and told; then the ban is lifted."""
    root = member("root", admin=True)
    bob = member("bob", expects=(r"status of 40[13]",)).enter(room)
    administration(root, "people")
    root.page.get_by_label("Find by name or e-mail").fill(bob.account)
    expect(root.page.locator("#people .row")).to_have_count(1)
    row(root, bob.account).get_by_role("button", name="Ban").click()
    root.page.get_by_role("dialog").get_by_label("For how long").select_option("A day")
    root.page.get_by_role("dialog").get_by_label("Reason").fill("noise")
    agree(root, "Ban")
    expect(row(root, bob.account)).to_contain_text("banned")
    expect(row(root, bob.account)).to_contain_text("noise")
    expect(bob.page.get_by_role("dialog", name="You are signed out")).to_be_visible()
    bob.page.get_by_role("dialog").get_by_role("link", name="Sign in").click()
    form = bob.page.get_by_role("region", name="With an account")
    form.get_by_label("Name").fill(bob.account)
    form.get_by_label("Password", exact=True).fill(PASSWORD)
    form.get_by_role("button", name="Sign in").click()
    expect(bob.page.locator("#reason")).to_contain_text("This account is banned")
    row(root, bob.account).get_by_role("button", name="Lift the ban").click()
    agree(root, "Lift the ban")
    expect(row(root, bob.account)).not_to_contain_text("banned")


def test_an_administrator_makes_another(member: Member) -> None:
    """The office is given and taken; an administrator is neither banned nor deleted meanwhile."""
    root, eve = member("root", admin=True), member("eve")
    administration(root, "people")
    root.page.get_by_label("Find by name or e-mail").fill(eve.account)
    row(root, eve.account).get_by_role("button", name="Make administrator").click()
    agree(root, "Make administrator")
    expect(row(root, eve.account).locator(".mark")).to_have_text("administrator")
    expect(row(root, eve.account).get_by_role("button", name="Ban")).to_have_count(0)
    administration(eve)
    row(root, eve.account).get_by_role("button", name="Unmake administrator").click()
    agree(root, "Unmake administrator")
    expect(row(root, eve.account).locator(".mark")).to_have_count(0)


def test_an_account_is_deleted(member: Member) -> None:
    """An administrator deletes an account after a question; it is in the list no more."""
    root, eve = member("root", admin=True), member("eve")
    administration(root, "people")
    root.page.get_by_label("Find by name or e-mail").fill(eve.account)
    row(root, eve.account).get_by_role("button", name="Delete").click()
    agree(root, "Delete the account")
    expect(root.page.get_by_text("Nobody is called that.")).to_be_visible()


def test_a_report_is_read_and_closed(member: Member, visit: Visit, server: ServerProcess, room: str) -> None:
    """A message is reported from the room with a reason; an administrator reads both, removes it, and closes the
    report."""
    bob, eve = visit("bob").enter(room), visit("eve").enter(room)
    bob.say(f"buy things in {room}")
    eve.act(f"buy things in {room}", "report")
    dialog = eve.page.get_by_role("dialog", name="Report this message?")
    dialog.get_by_role("button", name="Report").click()
    expect(dialog).to_be_visible()  # a reason is needed
    dialog.get_by_label("Reason").fill(f"spam in {room}")
    dialog.get_by_role("button", name="Report").click()
    expect(eve.page.locator("#notice")).to_have_text("Thank you. The administrators will look at it.")
    root = administration(member("root", admin=True), "reports")
    report = row(root, f"spam in {room}")
    expect(report.locator(".row-quote")).to_have_text(f"buy things in {room}")
    expect(report).to_contain_text(eve.name or "")
    report.get_by_role("button", name="Remove the message").click()
    agree(root, "Remove the message")
    eve.sees("Message deleted")
    report.get_by_role("button", name="Close the report").click()
    root.page.get_by_role("dialog").get_by_label("Reason").fill("done")
    agree(root, "Close the report")
    expect(report).to_have_count(0)
    root.page.get_by_label("Closed").check()
    expect(report).to_contain_text(f"Closed by {root.account}")
    expect(report).to_contain_text("done")


def test_rooms_are_found(member: Member, server: ServerProcess, room: str) -> None:
    """Rooms that are not open are in the list too, with the way to their settings."""
    ann, root = member("ann"), member("root", admin=True)
    wanted = {"name": f"{room}-den", "title": f"Den of {room}", "access": "private"}
    server.call("POST", "/api/rooms", wanted, ann.token)
    administration(root, "rooms")
    root.page.get_by_label("Find by name or title").fill(f"{room}-den")
    den = row(root, f"Den of {room}")
    expect(den).to_contain_text("private")
    expect(den).to_contain_text("1 member")
    den.get_by_role("link", name="Settings").click()
    expect(root.page.get_by_role("heading", name=f"Den of {room}")).to_be_visible()
    expect(root.page.locator("#room-facts")).to_contain_text("you look after it")


def test_what_is_done_is_in_the_audit_log(member: Member, server: ServerProcess, room: str) -> None:
    """Acts stand there in words, the latest first, with where and how."""
    ann, root = member("ann"), member("root", admin=True)
    server.call("POST", "/api/rooms", {"name": room}, ann.token)
    server.call("PATCH", f"/api/rooms/{room}", {"locked": True, "slow": 30}, ann.token)
    administration(root, "audit")
    entry = row(root, f"{ann.account} changed the settings")
    expect(entry).to_contain_text(f"in {room}")
    expect(entry).to_contain_text("locked · slow: 30")


def test_addresses_are_banned(member: Member) -> None:
    """A range is banned for a time and lifted again; one that is none, and one's own, are refused with a sentence."""
    root = administration(
        member("root", admin=True, expects=(r"status of 40[03] .*/api/admin/addresses$",)), "addresses"
    )
    form = root.page.locator("#new-address")
    for given, reason in (("nonsense", "address"), ("127.0.0.0/8", "lock yourself out")):
        form.get_by_label("Address or range").fill(given)
        form.get_by_role("button", name="Ban the address").click()
        expect(form.get_by_role("alert")).to_contain_text(reason)
    form.get_by_label("Address or range").fill("203.0.113.7/24")
    form.get_by_label("Reason").fill("flood")
    form.get_by_role("button", name="Ban the address").click()
    banned = row(root, "203.0.113.0/24")
    expect(banned).to_contain_text("flood")
    banned.get_by_role("button", name="Lift the ban").click()
    expect(banned).to_have_count(0)


def test_the_parts_have_addresses_of_their_own(member: Member) -> None:
    """Each part is reached by its address, the keyboard and Back, and the current one is marked."""
    root = administration(member("root", admin=True), "audit")
    current = root.page.locator(".admin-tabs [aria-current=page]")
    expect(current).to_have_text("Audit log")
    root.page.get_by_role("link", name="Rooms").press("Enter")
    expect(current).to_have_text("Rooms")
    expect(root.page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()
    root.page.go_back()
    expect(current).to_have_text("Audit log")
