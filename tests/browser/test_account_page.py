"""One's own account: profile, name, password, sessions, tokens, and its end."""

import base64
import re
from pathlib import Path

from playwright.sync_api import Locator, expect

from .person import Member, Person, Visit
from .server_process import PASSWORD, ServerProcess

# The smallest PNG there is: one red pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)


def open_account(person: Person) -> Person:
    person.goto("/account")
    expect(person.page.locator("#profile-name")).not_to_be_empty()
    return person


def sign_in(person: Person, name: str, next_page: str) -> None:
    person.goto("/sign-in", next=next_page)
    fill_sign_in(person, name)


def fill_sign_in(person: Person, name: str, password: str = PASSWORD) -> None:
    form = person.page.get_by_role("region", name="With an account")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Password", exact=True).fill(password)
    form.get_by_role("button", name="Sign in").click()


def panel(person: Person, title: str) -> Locator:
    return person.page.get_by_role("region", name=title)


def test_others_see_the_profile(member: Member, visit: Visit, room: str, tmp_path: Path) -> None:
    """Display name, status, colour and picture are previewed, saved, and seen in the room by the others."""
    ann = open_account(member("ann"))
    form = panel(ann, "Profile")
    shown = f"Ann of {room}"
    form.get_by_label("Display name").fill(shown)
    form.get_by_label("Status").fill("in the garden")
    form.get_by_label("Blue").check(force=True)
    picture = tmp_path / "picture.png"
    picture.write_bytes(PIXEL)
    form.get_by_label("Picture", exact=True).set_input_files(picture)
    expect(ann.page.locator("#profile-sign img")).to_have_attribute("src", re.compile("^data:image/webp;base64,"))
    expect(ann.page.locator("#profile-status")).to_have_text("in the garden")
    form.get_by_role("button", name="Save the profile").click()
    expect(form.get_by_role("status")).to_contain_text("Saved.")
    expect(ann.page.locator("#account-name")).to_have_text(shown)
    expect(ann.page.locator("#profile-sign img")).to_have_attribute("src", re.compile("^/api/people/a-"))
    ann.enter(room).say("hello")
    bob = visit("bob").enter(room)
    message = bob.message("hello")
    expect(message.locator(".name")).to_have_text(shown)
    expect(message).to_have_class(re.compile(r"\bhue-8\b"))
    expect(message.locator(".sign img")).to_have_attribute("src", re.compile("^/api/people/a-"))
    assert message.locator(".sign img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 160
    message.locator(".name").click()
    card = bob.page.get_by_role("dialog", name=shown)
    expect(card).to_contain_text("in the garden")
    expect(card).to_contain_text(f"Account {ann.account}")
    bob.page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_a_file_that_is_no_picture(member: Member, tmp_path: Path) -> None:
    """Something else than a picture is refused with a sentence before it is sent."""
    ann = open_account(member("ann"))
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    panel(ann, "Profile").get_by_label("Picture", exact=True).set_input_files(text)
    expect(panel(ann, "Profile").get_by_role("alert")).to_contain_text("not a picture")


def test_another_name_needs_the_password(member: Member, server: ServerProcess) -> None:
    """Name and e-mail are changed with the password, and a wrong one is told."""
    ann = open_account(member("ann", expects=(r"status of 401 .*/api/account$",)))
    form = panel(ann, "Name and e-mail")
    form.get_by_label("Name").first.fill(f"new {ann.account}")
    form.get_by_label("E-mail").fill("ann@example.org")
    form.get_by_label("Your password", exact=True).fill("something else")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_have_text("The password is wrong.")
    form.get_by_label("Your password", exact=True).fill(PASSWORD)
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_have_text("Saved.")
    account = server.call("GET", "/api/account", token=ann.token)
    assert (account["name"], account["email"]) == (f"new {ann.account}", "ann@example.org")


def test_another_password_signs_out_elsewhere(member: Member, visit: Visit, room: str) -> None:
    """The other browser is told in the room that it is signed out, and where to go; this one stays."""
    ann = open_account(member("ann"))
    other = visit(expects=(r"status of 401",))
    sign_in(other, ann.account, f"/chat/{room}")
    other.is_online()
    form = panel(ann, "Password")
    form.get_by_label("The password until now", exact=True).fill(PASSWORD)
    form.get_by_label("The new password", exact=True).fill("another good password")
    form.get_by_role("button", name="Change the password").click()
    expect(form.get_by_role("status")).to_contain_text("Changed.")
    dialog = other.page.get_by_role("dialog", name="You are signed out")
    expect(dialog).to_be_visible()
    other.page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_role("link", name="Sign in").click()
    fill_sign_in(other, ann.account, "another good password")
    other.is_online()
    assert other.page.url.endswith(f"/chat/{room}")
    ann.page.reload()
    expect(ann.page.locator("#profile-name")).to_have_text(ann.account)


def test_sessions_are_listed_and_ended(member: Member, visit: Visit) -> None:
    """Each place where one is signed in is a line; one is ended by its button, all by another."""
    name = member("ann").account  # signed in by a program, see the list
    ann = visit(expects=(r"status of 401",))
    sign_in(ann, name, "/account")
    rows = panel(ann, "Where you are signed in").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="Chrome on Linux")).to_contain_text("this one")
    ann.page.get_by_role("button", name="Sign out: Python-urllib").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("this one")
    ann.page.get_by_role("button", name="Sign out everywhere").click()
    dialog = ann.page.get_by_role("dialog", name="Sign out everywhere?")
    dialog.get_by_role("button", name="Sign out everywhere").click()
    expect(ann.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_token_is_shown_once(member: Member, server: ServerProcess) -> None:
    """A new token is shown to be copied, works, and is revoked; after a reload only its line is left."""
    ann = open_account(member("ann"))
    ann.context.grant_permissions(["clipboard-read", "clipboard-write"])
    form = panel(ann, "Tokens for bots")
    expect(form.get_by_text("You have no tokens.")).to_be_visible()
    form.get_by_label("What for").fill(f"weather {ann.account}")
    form.get_by_label("Rooms by their names").fill("lobby, garden")
    form.get_by_label("May write").uncheck()
    form.get_by_role("button", name="Make the token").click()
    field = form.get_by_label(f"The token weather {ann.account}")
    token = field.input_value()
    form.get_by_role("button", name="Copy").click()
    expect(form.get_by_role("button", name="Copied")).to_be_visible()
    assert ann.page.evaluate("navigator.clipboard.readText()") == token
    assert str(server.call("GET", "/api/session", token=token)["user"]["id"])[:2] == "b-"  # type: ignore[index]
    line = form.get_by_role("listitem")
    expect(line).to_contain_text("In lobby, garden")
    expect(line).to_contain_text("reads only")
    ann.page.reload()
    expect(line).to_have_count(1)
    expect(field).to_have_count(0)
    form.get_by_role("button", name="Revoke").click()
    ann.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(line).to_have_count(0)


def test_an_account_is_deleted_with_what_its_owner_wrote(member: Member, visit: Visit, room: str) -> None:
    """After the password and a question the account is gone, and its messages with it, as its owner chose."""
    ann = member("ann", expects=(r"status of 401",)).enter(room)
    ann.say("forget me")
    bob = visit("bob").enter(room)
    bob.sees("forget me")
    open_account(ann)
    form = panel(ann, "Delete the account")
    form.get_by_label("is deleted everywhere").check()
    form.get_by_label("Your password", exact=True).fill(PASSWORD)
    form.get_by_role("button", name="Delete the account").click()
    dialog = ann.page.get_by_role("dialog", name="Delete your account for ever?")
    expect(dialog).to_contain_text("All that you have written is deleted everywhere.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Delete the account").click()
    expect(ann.page.locator("#rooms-title")).to_be_visible()
    expect(ann.page.locator("#sign-in-link")).to_be_visible()
    bob.sees("Message deleted")


def test_a_stranger_is_led_to_the_sign_in_and_back(visit: Visit, member: Member) -> None:
    """The address of the account works for who is not signed in yet."""
    name = member("ann").account
    ann = visit()
    ann.goto("/account")
    fill_sign_in(ann, name)
    expect(ann.page.locator("#profile-name")).to_have_text(name)
