"""Who one is: the dialog that asks for a name, and names in the page's address."""

from playwright.sync_api import expect

from .person import Person, Visit
from .server_process import ServerProcess

TAKEN = r"status of 409 .*/api/session$"


def answer(person: Person, name: str) -> None:
    person.page.locator("#name").fill(name)
    person.page.locator("#name-form button[type=submit]").click()


def test_a_stranger_is_asked_for_a_name_and_goes_in(visit: Visit, room: str) -> None:
    """Without a name there is a question first; with the answer one is in the room."""
    stranger = visit()
    stranger.goto(f"/chat/{room}")
    dialog = stranger.page.get_by_role("dialog", name="What shall the others call you?")
    expect(dialog).to_be_visible()
    expect(stranger.page.locator("#name")).to_be_focused()
    answer(stranger, "Zoë 🌻")
    expect(dialog).to_be_hidden()
    stranger.is_online()
    expect(stranger.page.locator("#people li")).to_have_text(["ZZoë 🌻you"])
    expect(stranger.page.locator("#account-name")).to_have_text("Zoë 🌻")
    stranger.page.reload()
    stranger.is_online()
    expect(stranger.page.locator("#account-name")).to_have_text("Zoë 🌻")


def test_a_taken_name_is_refused_with_the_reason(visit: Visit, server: ServerProcess, room: str) -> None:
    """The server's sentence is shown, in whatever spelling the name was tried, and another name goes through."""
    server.token("Ann")
    stranger = visit(expects=(TAKEN,))
    stranger.goto(f"/chat/{room}")
    expect(stranger.page.locator("#name")).to_be_visible()
    answer(stranger, "ANN")
    reason = stranger.page.locator("#name-reason")
    expect(reason).to_have_text("Somebody here is called ANN already.")
    expect(reason).to_have_attribute("role", "alert")
    answer(stranger, "somebody else")
    stranger.is_online()
    expect(stranger.page.locator("#account-name")).to_have_text("somebody else")


def test_a_name_that_is_not_allowed_is_refused_with_the_reason(visit: Visit, room: str) -> None:
    """A name that is too long is answered with what a name may be."""
    stranger = visit(expects=(r"status of 400 .*/api/session$",))
    stranger.goto(f"/chat/{room}")
    expect(stranger.page.locator("#name")).to_be_visible()
    answer(stranger, "x" * 33)
    expect(stranger.page.locator("#name-reason")).to_have_text("A name has 1 to 32 characters.")
    expect(stranger.page.locator("#name-form")).to_be_visible()


def test_esc_does_not_close_the_question_of_a_stranger(visit: Visit, room: str) -> None:
    """Behind the question there is nothing to see without a name, so it stays."""
    stranger = visit()
    stranger.goto(f"/chat/{room}")
    expect(stranger.page.locator("#name")).to_be_visible()
    stranger.page.keyboard.press("Escape")
    stranger.page.keyboard.press("Escape")
    expect(stranger.page.locator("#name")).to_be_visible()
    answer(stranger, "stayed")
    stranger.is_online()


def test_a_name_in_the_address_is_taken_without_asking(visit: Visit, room: str) -> None:
    """`?username=` signs in at once and goes from the address, where it would stand in the way of another name."""
    ann = visit("ann").enter(room)
    expect(ann.page.locator("#name-form")).to_be_hidden()
    expect(ann.page.locator("#account-name")).to_have_text(ann.name or "")
    assert "username" not in ann.page.url


def test_a_taken_name_in_the_address_is_asked_again(visit: Visit, server: ServerProcess, room: str) -> None:
    """Somebody else's name in the address brings the question, with the reason and the name to change."""
    server.token("Ben")
    other = visit(expects=(TAKEN,))
    other.goto(f"/chat/{room}", username="Ben")
    expect(other.page.locator("#name-reason")).to_have_text("Somebody here is called Ben already.")
    expect(other.page.locator("#name")).to_have_value("Ben")


def test_one_changes_ones_name(visit: Visit, room: str) -> None:
    """The menu under one's name changes it, and the others see the new one."""
    ann = visit("ann").enter(room)
    bob = visit("bob").enter(room)
    bob.page.locator("#account summary").click()
    bob.page.get_by_role("button", name="Change name").click()
    answer(bob, "robert")
    expect(bob.page.locator("#account-name")).to_have_text("robert")
    bob.is_online()
    expect(ann.page.locator("#people .person-name")).to_have_text([ann.name or "", "robert"])


def test_one_signs_out(visit: Visit, room: str) -> None:
    """Signing out leads to the lobby, where nobody is named; the next room asks for a name."""
    ann = visit("ann").enter(room)
    ann.page.locator("#account summary").click()
    ann.page.get_by_role("button", name="Sign out").click()
    expect(ann.page.locator("#rooms-title")).to_be_visible()
    expect(ann.page.locator("#account")).to_be_hidden()
    ann.page.goto(ann.page.url + f"chat/{room}")
    expect(ann.page.locator("#name")).to_be_visible()
