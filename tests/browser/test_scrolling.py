"""The log's scrolling: at the end it follows, elsewhere it stays, and older messages come without a jump."""

import pytest
from playwright.sync_api import Locator, expect

from .person import Visit
from .server_process import ServerProcess

FROM_END = "log => log.scrollHeight - log.clientHeight - log.scrollTop"
# The place of the first message that is seen, as [its number, its distance from the window's top].
FIRST_SEEN = """log => {
    const { top } = log.getBoundingClientRect();
    const seen = [...log.querySelectorAll('.message')].find((message) => message.getBoundingClientRect().bottom > top);
    return [seen.dataset.seq, seen.getBoundingClientRect().top];
}"""


def scroll_to(log: Locator, top: str) -> None:
    """Scrolls, and returns when the page has noticed."""
    log.evaluate(
        f"""log => new Promise((resolve) => {{
            log.addEventListener('scroll', () => resolve(), {{ once: true }});
            log.scrollTop = {top};
        }})"""
    )


def top_of(log: Locator, seq: str) -> float:
    return log.locator(f'.message[data-seq="{seq}"]').evaluate("message => message.getBoundingClientRect().top")


def test_the_log_opens_at_its_end_and_follows_it(visit: Visit, server: ServerProcess, room: str) -> None:
    """A room opens at the latest message, and what comes while one is there is in sight."""
    server.fill(room, 60)
    ann = visit("ann").enter(room)
    assert ann.log.evaluate(FROM_END) <= 1
    server.say(room, "the latest\n" + "line\n" * 10, "author")
    expect(ann.texts.last).to_contain_text("the latest")
    ann.page.wait_for_function(f"({FROM_END})(document.querySelector('#log')) <= 1")
    expect(ann.page.locator("#new-messages")).to_be_hidden()


def test_who_reads_further_up_is_not_moved_but_told(visit: Visit, server: ServerProcess, room: str) -> None:
    """New messages leave the reader in place and are counted on a button that leads to them."""
    server.fill(room, 60)
    ann = visit("ann").enter(room)
    scroll_to(ann.log, "log.scrollHeight / 2")
    seq, before = ann.log.evaluate(FIRST_SEEN)
    button = ann.page.locator("#new-messages")
    server.say(room, "one more", "reporter")
    expect(button).to_have_text("1 new message")
    server.say(room, "and another", "correspondent")
    expect(button).to_have_text("2 new messages")
    assert top_of(ann.log, seq) == pytest.approx(before, abs=1)
    button.click()
    expect(button).to_be_hidden()
    assert ann.log.evaluate(FROM_END) <= 1
    expect(ann.message("and another")).to_be_in_viewport()


def test_scrolling_down_clears_the_button(visit: Visit, server: ServerProcess, room: str) -> None:
    """Who goes to the end by themselves has seen what was new."""
    server.fill(room, 60)
    ann = visit("ann").enter(room)
    ann.log.evaluate("log => { log.scrollTop = log.scrollHeight / 2; }")  # the news may come in the same frame
    server.say(room, "news", "reporter")
    expect(ann.page.locator("#new-messages")).to_be_visible()
    ann.log.hover()
    ann.page.mouse.wheel(0, 100_000)
    expect(ann.page.locator("#new-messages")).to_be_hidden()


def test_ones_own_message_leads_to_the_end(visit: Visit, server: ServerProcess, room: str) -> None:
    """Who writes sees what they have written, wherever they were reading."""
    server.fill(room, 60)
    ann = visit("ann").enter(room)
    scroll_to(ann.log, "log.scrollHeight / 2")
    ann.say("here I am")
    expect(ann.message("here I am")).to_be_in_viewport()


def test_older_messages_come_without_a_jump(visit: Visit, server: ServerProcess, room: str) -> None:
    """Scrolling up brings page after page to the room's beginning, and what one reads stays where it is."""
    server.fill(room, 300)
    ann = visit("ann").enter(room)
    expect(ann.messages).to_have_count(50)
    pages = 0
    while (count := ann.messages.count()) < 300:
        seq, before = ann.log.evaluate(f"log => {{ log.scrollTop = 120; return ({FIRST_SEEN})(log); }}")
        expect(ann.messages).to_have_count(count + 50)
        assert top_of(ann.log, seq) == pytest.approx(before, abs=1)
        pages += 1
    assert pages == 5
    seqs = ann.messages.evaluate_all("messages => messages.map(message => Number(message.dataset.seq))")
    assert seqs == list(range(1, 301))
    expect(ann.page.locator(".log-top")).to_have_text("This is where the room begins.")


def test_older_messages_fill_a_tall_window(visit: Visit, server: ServerProcess, room: str) -> None:
    """Where there is nothing to scroll, as the window is taller than the log, older messages come all the same."""
    server.fill(room, 60)
    ann = visit("ann", viewport={"width": 1000, "height": 6000}).enter(room)
    expect(ann.messages).to_have_count(60)
    expect(ann.page.locator(".log-top")).to_have_text("This is where the room begins.")


def test_a_room_is_left_and_found_again_at_the_same_place(visit: Visit, server: ServerProcess, room: str) -> None:
    """Each open room remembers where its reader was."""
    server.fill(room, 60)
    ann = visit("ann").enter(room)
    scroll_to(ann.log, "log.scrollHeight / 2")
    seq, before = ann.log.evaluate(FIRST_SEEN)
    ann.page.locator("#open-room").click()
    ann.page.locator("#room-chooser-name").fill(f"{room}-beside")
    ann.page.keyboard.press("Enter")
    expect(ann.messages).to_have_count(0)
    ann.page.locator(f'#open-rooms [data-room="{room}"]').click()
    expect(ann.messages).to_have_count(50)
    assert top_of(ann.log, seq) == pytest.approx(before, abs=1)
