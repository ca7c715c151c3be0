"""Browser windows that are used again: to make a new one takes longer than most of what the tests do in it."""

from typing import Any

from playwright.sync_api import Browser, Page

# A picture of the server's own: nothing in it runs, and the browser keeps the process of the pages before it.
RESTING_PLACE = "/static/img/parley.svg"


class Windows:
    """Windows, each with storage and cookies of its own, as different people have them."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._resting_place = address + RESTING_PLACE
        self._free: list[Page] = []

    def new(self, options: dict[str, Any]) -> Page:
        """A window that nobody has used; `options` are those of Playwright's `new_context`."""
        return self._browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce", **options}).new_page()

    def used(self) -> Page:
        """A window as good as new."""
        return self._free.pop() if self._free else self.new({})

    def take_back(self, page: Page) -> None:
        """Takes away all that somebody has left in a window, for others to use it."""
        page.goto(self._resting_place)
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.context.clear_cookies()
        self._free.append(page)
