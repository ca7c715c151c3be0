"""Staff messages in the pages."""

from playwright.sync_api import expect

from .person import Member, Visit


def test_a_staff_message(member: Member, visit: Visit, room: str) -> None:
    """Whoever moderates a room says something from its settings, an administrator to all from /admin; both stand out
    in the log."""
    guest = visit("guest").enter(room)
    root = member("root", admin=True)
    root.goto(f"/chat/{room}/settings")
    root.page.get_by_label("To everybody in the room").fill("Please be kind.")
    root.page.get_by_role("button", name="Send it").click()
    expect(root.page.locator("#staff-form .done")).to_have_text("It is said.")
    message = guest.message("Please be kind.")
    expect(message.get_by_text("Staff", exact=True)).to_be_visible()
    expect(message).to_contain_text(root.account)
    root.goto("/admin#rooms")
    root.page.get_by_label("A staff message to all rooms").fill("We restart at noon.")
    root.page.get_by_role("button", name="Tell all rooms").click()
    guest.sees("Please be kind.", "We restart at noon.")
    guest.page.reload()
    guest.sees("Please be kind.", "We restart at noon.")
