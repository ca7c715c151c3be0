"""What the log shows of messages: whose they are, when, links, and text that is never markup."""

from datetime import UTC, datetime
from uuid import uuid4

from playwright.sync_api import expect

from .person import Visit
from .server_process import ServerProcess

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def seed(server: ServerProcess, room: str, times: list[datetime]) -> None:
    """Stores a room with a message at each of these times, behind the server's back and before it knows the room."""
    database = server.database()
    milliseconds = [int(at.timestamp() * 1000) for at in times]
    record = {
        "name": room,
        "title": room,
        "epoch": uuid4().hex[:8],
        "made": milliseconds[0],
        "active": milliseconds[-1],
    }
    database["rooms"].insert_one({"_id": room, **record})
    author = {"id": "g-0000000000000000", "name": "archivist"}
    entry = {"type": "message", "room": room, "log": room, "kind": "text", "user": author}
    database["entries"].insert_many(
        {**entry, "seq": seq, "at": at, "key": str(uuid4()), "text": f"entry {seq}"}
        for seq, at in enumerate(milliseconds, start=1)
    )
    database.client.close()


def test_own_messages_are_marked(visit: Visit, server: ServerProcess, room: str) -> None:
    """One's own messages look different from those of others, and carry a name like them."""
    ann = visit("ann").enter(room)
    ann.say("from ann")
    ann.sees("from ann")
    server.say(room, "from bob", "bob")
    ann.sees("from ann", "from bob")
    own, other = ann.message("from ann"), ann.message("from bob")
    expect(own).to_contain_class("own")
    expect(other).not_to_contain_class("own")
    expect(own.locator(".name")).to_have_text(ann.name or "")
    expect(other.locator(".name")).to_have_text("bob")
    background = "bubble => getComputedStyle(bubble).backgroundColor"
    assert own.locator(".bubble").evaluate(background) != other.locator(".bubble").evaluate(background)


def test_messages_have_a_time_for_people_and_for_programs(visit: Visit, room: str) -> None:
    """Each message has the time of day, and in full what a program can read."""
    ann = visit("ann", timezone_id="Asia/Kolkata").enter(room)
    before = datetime.now(UTC).replace(microsecond=0)
    ann.say("what time is it?")
    expect(ann.message("what time is it?")).to_have_attribute("data-state", "sent")
    time = ann.message("what time is it?").locator("time")
    at = datetime.fromisoformat(time.get_attribute("datetime") or "")
    assert before <= at <= datetime.now(UTC)
    minutes = (at.hour * 60 + at.minute + 330) % 1440
    expect(time).to_have_text(f"{minutes // 60:02}:{minutes % 60:02}")


def test_days_are_separated(visit: Visit, server: ServerProcess, room: str) -> None:
    """A line names each day, by the reader's calendar: today, yesterday, a day of this year or of another."""
    times = [(2024, 12, 31, 9), (2026, 1, 5, 9), (2026, 3, 2, 9), (2026, 3, 2, 21), (2026, 3, 3, 9)]
    seed(server, room, [datetime(*time, tzinfo=UTC) for time in times])
    ann = visit("ann", timezone_id="UTC")
    ann.page.clock.set_fixed_time(NOON)
    ann.enter(room)
    days = ann.page.locator(".day")
    expect(days).to_have_text(["31 December 2024", "Monday 5 January", "Yesterday", "Today"])
    eve = visit("eve", timezone_id="Asia/Tokyo")
    eve.page.clock.set_fixed_time(NOON)
    eve.enter(room)
    expect(eve.page.locator(".day")).to_have_text(["31 December 2024", "Monday 5 January", "Yesterday", "Today"])
    kinds = "l => [...l.children].map(e => e.classList[0]).filter(c => c === 'day' || c === 'message').join(' ')"
    assert ann.log.evaluate(kinds) == "day message day message day message message day message"
    assert eve.log.evaluate(kinds) == "day message day message day message day message message"


def test_the_first_message_of_a_new_day_gets_its_line(visit: Visit, server: ServerProcess, room: str) -> None:
    """What is said today stands apart from what was said on an earlier day."""
    seed(server, room, [datetime(2025, 6, 1, 12, tzinfo=UTC)])
    ann = visit("ann").enter(room)
    ann.say("hello again")
    expect(ann.page.locator(".day")).to_have_text(["1 June 2025", "Today"])


def test_links_are_links(visit: Visit, room: str) -> None:
    """An address becomes a link, without the sentence around it, that opens apart and gives nothing away."""
    addresses = {
        "see https://example.org/a_(b), please": "https://example.org/a_(b)",
        "(http://example.org/?q=ü#x)": "http://example.org/?q=ü#x",
    }
    ann = visit("ann").enter(room)
    for text, address in addresses.items():
        ann.say(text)
        link = ann.message(text).locator("a")
        expect(link).to_have_text(address)
        expect(link).to_have_attribute("href", address)
        expect(link).to_have_attribute("target", "_blank")
        assert {"noopener", "noreferrer"} <= set((link.get_attribute("rel") or "").split())


MARKUP = [
    "<img src=x onerror=\"document.title='caught'\">",
    "<script>document.title='caught'</script>",
    "<b>bold</b> &amp; <a href='javascript:alert(1)'>press</a>",
    "javascript:alert(1) data:text/html,<b>x</b>",
    'https://example.org/"onmouseover="alert(1)',
]


def test_text_is_never_markup(visit: Visit, room: str) -> None:
    """Text that looks like markup is shown as it was written, to its writer and to others."""
    ann = visit("ann").enter(room)
    for text in MARKUP:
        ann.say(text)
    ann.sees(*MARKUP)
    bob = visit("bob").enter(room, transport="poll")
    for person in (ann, bob):
        person.sees(*MARKUP)
        assert person.page.locator(".text :not(a)").count() == 0
        links = person.page.locator(".text a").evaluate_all("links => links.map(link => link.href)")
        assert links == ["https://example.org/"]
        expect(person.page).to_have_title(f"{room} · Parley")


def test_names_and_titles_are_never_markup(visit: Visit, server: ServerProcess) -> None:
    """A person and a room may be called like markup and are only text."""
    title = "<i>title</i>"
    name = str(server.call("POST", "/api/rooms", {"title": title}, server.token("builder"))["name"])
    ann = visit("<b>ann</b>").enter(name)
    ann.say("hello")
    expect(ann.page.locator("#room-title")).to_have_text(title)
    expect(ann.page.locator("#people .person-name")).to_have_text(ann.name or "")
    assert ann.page.locator("b, i").count() == 0
    ann.goto("/")
    expect(ann.page.locator(f'#rooms a[href="/chat/{name}"] .card-title')).to_have_text(title)
    assert ann.page.locator("b, i").count() == 0
