"""Coming in with an account: registering, signing in and out, with scripts and without."""

import itertools

import pytest
from playwright.sync_api import expect

from .person import Member, Person, Visit
from .server_process import PASSWORD, ServerProcess

_numbers = itertools.count(1)


def new_name(name: str) -> str:
    """A name that nobody has registered yet."""
    return f"{name}-{next(_numbers)}"


def register(person: Person, name: str, next_page: str = "/") -> None:
    person.goto("/register", next=next_page)
    person.page.get_by_label("Name").fill(name)
    person.page.get_by_label("Password", exact=True).fill(PASSWORD)
    person.page.get_by_role("button", name="Register").click()


def sign_in(person: Person, name: str, password: str = PASSWORD) -> None:
    form = person.page.get_by_role("region", name="With an account")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Password", exact=True).fill(password)
    form.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("scripts", [True, False])
def test_one_registers_and_signs_in_with_scripts_and_without(visit: Visit, scripts: bool) -> None:
    """Registering, signing out and in again are plain forms: they work without scripts too."""
    name = new_name("reg")
    ann = visit(expects=(r"status of 401 .*/sign-in$",), java_script_enabled=scripts)
    register(ann, name, "/sign-in")
    expect(ann.page.get_by_text(f"You are signed in as {name}.")).to_be_visible()
    ann.page.get_by_role("button", name="Sign out").click()
    expect(ann.page.locator("#rooms-title")).to_be_visible()
    ann.goto("/sign-in", next="/sign-in")
    sign_in(ann, name, "a wrong password")
    expect(ann.page.locator("#reason")).to_have_text("The name or the password is wrong.")
    expect(ann.page.get_by_role("region", name="With an account").get_by_label("Name")).to_have_value(name)
    sign_in(ann, name)
    expect(ann.page.get_by_text(f"You are signed in as {name}.")).to_be_visible()


def test_a_guest_signs_in_on_the_page_and_goes_where_they_were(visit: Visit, room: str) -> None:
    """The page for signing in lets guests in as well, and leads back to the room."""
    guest = visit()
    guest.goto("/sign-in", next=f"/chat/{room}")
    guest.page.get_by_label("What shall the others call you?").fill(f"guest of {room}")
    guest.page.get_by_role("button", name="Go in as a guest").click()
    guest.is_online()
    expect(guest.page.locator("#account-name")).to_have_text(f"guest of {room}")


def test_from_the_question_for_a_name_to_the_password_and_back(visit: Visit, server: ServerProcess, room: str) -> None:
    """Who has an account goes from the room to the page for signing in, and comes back as who they are."""
    name = new_name("back")
    server.account(name)
    ann = visit()
    ann.goto(f"/chat/{room}")
    ann.page.locator("#name-form").get_by_role("link", name="Sign in").click()
    sign_in(ann, name)
    ann.is_online()
    expect(ann.page.locator("#account-name")).to_have_text(name)
    assert ann.page.url.endswith(f"/chat/{room}")


def test_a_registered_name_is_not_a_guests_to_take(visit: Visit, server: ServerProcess, room: str) -> None:
    """A guest who asks for a registered name, or one that looks like it, is told so and asked again."""
    name = new_name("paul")
    server.account(name)
    stranger = visit(expects=(r"status of 409 .*/api/session$",))
    stranger.goto(f"/chat/{room}")
    for taken in (name.upper(), name.replace("a", "\u0430")):
        stranger.page.locator("#name").fill(taken)
        stranger.page.keyboard.press("Enter")
        expect(stranger.page.locator("#name-reason")).to_contain_text("belongs to somebody")
        expect(stranger.page.locator("#name-reason")).to_contain_text(taken)


def test_the_menu_knows_guests_from_accounts(visit: Visit, member: Member) -> None:
    """A guest is offered another name and the sign-in, an account its page, and a stranger the sign-in alone."""
    stranger = visit()
    stranger.goto("/")
    expect(stranger.page.locator("#sign-in-link")).to_be_visible()
    expect(stranger.page.locator("#account")).to_be_hidden()
    guest = visit("gus")
    guest.goto("/")
    guest.page.locator("#account summary").click()
    offered = guest.page.locator(".account-menu :is(a, button)").filter(visible=True)
    expect(offered).to_have_text(["Change name", "Sign in with a password", "Sign out"])
    for admin in (False, True):
        ann = member("ann", admin=admin)
        ann.goto("/")
        ann.page.locator("#account summary").click()
        offered = ann.page.locator(".account-menu :is(a, button)").filter(visible=True)
        expect(offered).to_have_text(["Account", "Administration", "Sign out"] if admin else ["Account", "Sign out"])


def test_a_password_can_be_looked_at(visit: Visit) -> None:
    """A button shows what has been typed, and hides it again."""
    ann = visit()
    ann.goto("/register")
    box = ann.page.get_by_label("Password", exact=True)
    box.fill(PASSWORD)
    expect(box).to_have_attribute("type", "password")
    ann.page.get_by_role("button", name="Show the password").click()
    expect(box).to_have_attribute("type", "text")
    ann.page.get_by_role("button", name="Hide the password").click()
    expect(box).to_have_attribute("type", "password")
