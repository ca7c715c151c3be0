"""Edits, deletions and reactions, seen by the other at once."""

from playwright.sync_api import expect

from .person import Visit


def test_an_edit_is_seen_by_the_others(visit: Visit, room: str) -> None:
    """A changed message has its new text and a mark over every transport, in its old place, and after a reload too."""
    ann, bob, _ = people = [visit("kim").enter(room, transport=transport) for transport in ("ws", "stream", "poll")]
    ann.say("teh plan")
    ann.say("what do you think?")
    for person in people:
        person.sees("teh plan", "what do you think?")
    ann.act("teh plan", "edit")
    expect(ann.composer).to_have_value("teh plan")
    ann.say("the plan")
    for person in people:
        person.sees("the plan", "what do you think?")
        expect(person.message("the plan").locator(".edited")).to_be_visible()
        expect(person.message("what do you think?").locator(".edited")).to_be_hidden()
    bob.page.reload()
    bob.is_online()
    bob.sees("the plan", "what do you think?")
    expect(bob.message("the plan").locator(".edited")).to_be_visible()


def test_a_deletion_is_asked_for_and_seen_by_the_other(visit: Visit, room: str) -> None:
    """Deleting asks first; then the text is gone at both, and cannot be changed any more."""
    ann = visit("ann").enter(room, transport="stream")
    bob = visit("bob").enter(room, transport="ws")
    bob.say("a secret")
    ann.sees("a secret")
    bob.act("a secret", "delete")
    bob.page.get_by_role("button", name="Cancel").click()
    bob.sees("a secret")
    bob.act("a secret", "delete")
    bob.page.get_by_role("button", name="Delete", exact=True).filter(visible=True).last.click()
    for person in (ann, bob):
        person.sees("Message deleted")
        expect(person.messages).to_contain_class("deleted")
        assert "a secret" not in person.page.content()
    bob.messages.hover()
    expect(bob.page.locator(".edit, .delete, .react").filter(visible=True)).to_have_count(0)
    ann.page.reload()
    ann.is_online()
    ann.sees("Message deleted")


def test_only_ones_own_messages_can_be_changed(visit: Visit, room: str) -> None:
    """At a message of somebody else there is a reaction to give, and nothing to edit or delete."""
    ann = visit("ann").enter(room)
    bob = visit("bob").enter(room)
    bob.say("mine")
    ann.sees("mine")
    ann.message("mine").hover()
    expect(ann.message("mine").locator(".react")).to_be_visible()
    expect(ann.message("mine").locator(".edit, .delete")).to_have_count(0)
    expect(bob.message("mine").locator(".edit, .delete")).to_have_count(2)


def test_reactions_are_counted_and_taken_back(visit: Visit, room: str) -> None:
    """Both see who reacted how; the same press again takes one's own reaction back."""
    ann = visit("ann").enter(room, transport="ws")
    bob = visit("bob").enter(room, transport="poll")
    ann.say("cake at three")
    bob.sees("cake at three")
    bob.act("cake at three", "react")
    bob.page.get_by_role("button", name="React with 🎉").click()
    chips = [person.message("cake at three").locator(".reaction") for person in (ann, bob)]
    for chip in chips:
        expect(chip).to_have_text("🎉 1")
        expect(chip).to_have_attribute("title", bob.name or "")
    expect(chips[0]).to_have_attribute("aria-pressed", "false")
    expect(chips[1]).to_have_attribute("aria-pressed", "true")
    chips[0].click()
    for chip in chips:
        expect(chip).to_have_text("🎉 2")
        expect(chip).to_have_attribute("aria-label", f"🎉 2: {bob.name}, {ann.name}")
    chips[1].click()
    for chip in chips:
        expect(chip).to_have_text("🎉 1")
    chips[0].click()
    for chip in chips:
        expect(chip).to_have_count(0)


def test_a_change_by_somebody_else_leaves_what_one_is_doing_alone(visit: Visit, room: str) -> None:
    """The choice of reactions stays open, and the focus where it is, while others react to the same message."""
    ann = visit("ann").enter(room)
    bob = visit("bob").enter(room)
    ann.say("cake at three")
    bob.sees("cake at three")
    ann.act("cake at three", "react")
    choice = ann.page.get_by_role("button", name="React with 🎉")
    choice.focus()
    bob.act("cake at three", "react")
    bob.page.get_by_role("button", name="React with 👍").click()
    expect(ann.message("cake at three").locator(".reaction")).to_have_text("👍 1")
    expect(choice).to_be_visible()
    expect(choice).to_be_focused()
    ann.page.keyboard.press("Escape")
    chip = ann.message("cake at three").locator(".reaction")
    chip.focus()
    ann.page.keyboard.press("Enter")
    expect(chip).to_have_text("👍 2")
    expect(chip).to_be_focused()
