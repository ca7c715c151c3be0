"""The box to write in, by the keyboard."""

from playwright.sync_api import expect

from .person import Visit
from .server_process import ServerProcess


def test_enter_sends_and_shift_enter_breaks_the_line(visit: Visit, server: ServerProcess, room: str) -> None:
    """Enter sends the text with the line breaks that Shift+Enter made, and the box is empty again."""
    ann = visit("ann").enter(room)
    expect(ann.composer).to_be_focused()
    ann.page.keyboard.type("first line")
    ann.page.keyboard.press("Shift+Enter")
    ann.page.keyboard.type("second line")
    expect(ann.composer).to_have_value("first line\nsecond line")
    expect(ann.messages).to_have_count(0)
    ann.page.keyboard.press("Enter")
    expect(ann.composer).to_have_value("")
    expect(ann.composer).to_be_focused()
    expect(ann.messages).to_have_attribute("data-state", "sent")
    assert ann.texts.inner_text() == "first line\nsecond line"
    assert server.texts(room) == ["first line\nsecond line"]


def test_the_button_sends_and_only_what_can_be_sent(visit: Visit, room: str) -> None:
    """The button sends as well; while there is nothing to send, or too much, it is off and Enter does nothing."""
    ann = visit("ann").enter(room)
    send = ann.page.get_by_role("button", name="Send")
    expect(send).to_be_disabled()
    ann.composer.fill(" \n ")
    expect(send).to_be_disabled()
    ann.composer.press("Enter")
    ann.composer.fill("x" * 4_001)
    expect(send).to_be_disabled()
    expect(ann.page.locator("#counter")).to_have_text("1 too many")
    ann.composer.press("Enter")
    expect(ann.messages).to_have_count(0)
    ann.composer.fill("👍" * 4_000)
    expect(ann.page.locator("#counter")).to_have_text("0 left")
    send.click()
    expect(ann.messages).to_have_attribute("data-state", "sent")
    expect(ann.page.locator("#counter")).to_be_hidden()


def test_esc_clears(visit: Visit, room: str) -> None:
    """Esc empties the box."""
    ann = visit("ann").enter(room)
    ann.composer.fill("never mind")
    ann.composer.press("Escape")
    expect(ann.composer).to_have_value("")
    expect(ann.page.locator("#send")).to_be_disabled()


def test_arrow_up_edits_ones_last_message(visit: Visit, server: ServerProcess, room: str) -> None:
    """ArrowUp in the empty box takes one's own last message to be changed; Esc gives that up."""
    ann = visit("ann").enter(room)
    ann.say("frist")
    expect(ann.message("frist")).to_have_attribute("data-state", "sent")
    server.say(room, "from bob", "bob")
    ann.sees("frist", "from bob")
    ann.composer.press("ArrowUp")
    expect(ann.composer).to_have_value("frist")
    expect(ann.page.locator("#editing")).to_be_visible()
    ann.composer.press("Escape")
    expect(ann.composer).to_have_value("")
    expect(ann.page.locator("#editing")).to_be_hidden()
    ann.composer.press("ArrowUp")
    ann.say("first")
    ann.sees("first", "from bob")
    assert server.texts(room) == ["first", "from bob"]


def test_arrow_up_moves_the_cursor_where_there_is_text(visit: Visit, room: str) -> None:
    """In a box with text ArrowUp is an ordinary key."""
    ann = visit("ann").enter(room)
    ann.say("said")
    ann.composer.fill("one\ntwo")
    ann.composer.press("ArrowUp")
    expect(ann.page.locator("#editing")).to_be_hidden()
    expect(ann.composer).to_have_value("one\ntwo")


def test_enter_belongs_to_an_input_method_while_it_composes(visit: Visit, room: str) -> None:
    """The Enter that accepts a word of an input method does not send; the next one does."""
    ann = visit("ann").enter(room)
    keyboard = ann.context.new_cdp_session(ann.page)
    ann.composer.focus()
    keyboard.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    expect(ann.composer).to_have_value("にほん")
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    keyboard.send("Input.insertText", {"text": "日本"})
    keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    expect(ann.composer).to_have_value("日本")
    expect(ann.messages).to_have_count(0)
    ann.composer.press("Enter")
    ann.sees("日本")


def test_esc_belongs_to_an_input_method_while_it_composes(visit: Visit, room: str) -> None:
    """The Esc that gives up a word of an input method leaves the rest of the box alone."""
    ann = visit("ann").enter(room)
    ann.composer.fill("written ")
    keyboard = ann.context.new_cdp_session(ann.page)
    keyboard.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    expect(ann.composer).to_have_value("written にほん")
    ann.composer.press("Escape")
    expect(ann.composer).not_to_have_value("")
