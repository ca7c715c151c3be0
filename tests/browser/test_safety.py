"""What the pages may run and load: nothing but their own."""

import re

from playwright.sync_api import expect

from .person import Visit


def test_a_foreign_script_does_not_run_and_is_heard_of(visit: Visit, room: str) -> None:
    """Markup that found its way into a page would run nothing; and the tests would hear of it."""
    ann = visit("ann").enter(room)
    ann.page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'document.title = "caught"';
        document.body.append(script);
    }""")
    ann.page.evaluate("document.body.setAttribute('onclick', 'document.title = \"caught\"')")
    ann.page.locator("body").click(position={"x": 600, "y": 20})
    expect(ann.page).to_have_title(f"{room} · Parley")
    heard, ann.complaints = ann.complaints, []
    assert any("Content Security Policy" in complaint and "inline script" in complaint for complaint in heard), heard


def test_what_lies_elsewhere_is_not_loaded_and_is_heard_of(visit: Visit, room: str) -> None:
    """An image, a style and a question that go elsewhere are stopped by the browser; and the tests would hear of it."""
    ann = visit("ann").enter(room)
    failed = ann.page.evaluate("""async () => {
        const image = new Image();
        const failure = new Promise((resolve) => { image.onerror = () => resolve('image'); });
        image.src = 'http://127.0.0.1:9/image.png';
        return [await failure, await fetch('http://127.0.0.1:9/').catch(() => 'question')];
    }""")
    assert failed == ["image", "question"]
    heard, ann.complaints = ann.complaints, []
    blocked = [complaint for complaint in heard if re.search(r"127\.0\.0\.1:9/.*Content Security Policy", complaint)]
    assert len(blocked) >= 2, heard


def test_an_error_in_a_page_is_heard_of(visit: Visit, room: str) -> None:
    """An error that no script has caught would fail the test in which it happens."""
    ann = visit("ann").enter(room)
    with ann.context.expect_event("weberror"):
        ann.page.evaluate("setTimeout(() => { throw new Error('dropped'); })")
    heard, ann.complaints = ann.complaints, []
    assert any("uncaught" in complaint and "dropped" in complaint for complaint in heard), heard


def test_pages_have_no_scripts_and_styles_inside(visit: Visit, room: str) -> None:
    """Scripts and styles come as files of the server's own, so that the policy can forbid all others."""
    ann = visit("ann")
    for path in ("/", f"/chat/{room}"):
        ann.goto(path)
        scripts = ann.page.locator("script").evaluate_all("all => all.map(script => new URL(script.src).origin)")
        styles = ann.page.locator("link[rel=stylesheet]").evaluate_all(
            "all => all.map(link => new URL(link.href).origin)"
        )
        assert set(scripts + styles) == {ann.origin}
        assert ann.page.locator("style, [style], [onclick], [onload], [onerror]").count() == 0
