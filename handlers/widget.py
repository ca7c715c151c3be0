"""/widget.js and /widget/<desk>: what other sites put into their pages, and what is shown in the frame there.

The script is for any page to load. The frame's page is the only one that others may show, and only those sites that
--embed-origins names: browsers hold to its `frame-ancestors`.
"""

from collections.abc import Mapping

from tornado.web import HTTPError, StaticFileHandler

from chat.errors import Forbidden, NotFound
from handlers.base import Guarded
from handlers.headers import CALL_HEADERS, PAGE_HEADERS, framed_policy
from handlers.pages import PageHandler

SCRIPT = "/widget.js"


class WidgetScript(Guarded, StaticFileHandler):
    """The loader. Another site's page may load it, and so learns nothing: it is the same for everybody."""

    guards: Mapping[str, str] = {**CALL_HEADERS, "Cross-Origin-Resource-Policy": "cross-origin"}

    async def get(self, path: str = "", include_body: bool = True) -> None:
        await super().get("loader.js", include_body)

    async def head(self, path: str = "") -> None:
        await self.get(include_body=False)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "public, max-age=300")  # a new one is everywhere soon


class WidgetPage(PageHandler):
    """The frame's page. Nobody is signed in there: browsers give frames of other sites no cookie."""

    guards = PAGE_HEADERS

    async def get(self, name: str) -> None:
        embedders: tuple[str, ...] = self.settings["embedders"]
        if self.request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame", "embed", "object") and not embedders:
            raise Forbidden("No site may show this in its pages. (For whoever runs this server: see --embed-origins.)")
        self.set_header("Content-Security-Policy", framed_policy(embedders))
        self.clear_header("Cross-Origin-Opener-Policy")
        try:
            desk = await self.chat.reception.desks.facts(name)
        except NotFound:
            raise HTTPError(404) from None
        self.render("widget.html", desk=desk)
