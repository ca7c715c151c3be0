"""Lists that are given page by page."""

from collections.abc import Sequence
from typing import Any

from handlers.base import ApiHandler

# What one page shows, unless `limit` says otherwise, and at most.
PAGE = 50
LARGEST_PAGE = 200


class PagedHandler(ApiHandler):
    """A handler that answers with pages."""

    def text(self, name: str) -> str:
        """A query argument, or nothing."""
        given = self.query.all(name)
        return given[-1] if given else ""

    def page_size(self) -> int:
        """How many are wanted; one more is to be looked for."""
        return self.query.number("limit", PAGE, least=1, most=LARGEST_PAGE)

    def answer_page(self, name: str, found: Sequence[Any], size: int) -> None:
        """Answers with the first `size` of what was found, and whether there are more."""
        self.answer({name: found[:size], "more": len(found) > size})
