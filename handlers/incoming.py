"""Requests as they come in: Tornado's, made without copying their arguments in depth."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from tornado.escape import parse_qs_bytes
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

if TYPE_CHECKING:
    from handlers.poll import Poll
    from handlers.site import Site


class Request(HTTPServerRequest):
    """One request; `arguments` are those of its address, and later those of its body as well."""

    def __init__(
        self, start_line: RequestStartLine, headers: HTTPHeaders, connection: HTTPConnection, server: object
    ) -> None:
        path, mark, query = start_line.path.partition("?")
        super().__init__(
            start_line=start_line._replace(path=path),
            headers=headers,
            connection=connection,
            server_connection=server,
        )
        if mark:
            self.uri, self.query = start_line.path, query
            self.query_arguments = parse_qs_bytes(query, keep_blank_values=True)
            self.arguments = {name: list(values) for name, values in self.query_arguments.items()}


class Incoming(HTTPMessageDelegate):
    """Hands one request to the handler that a site finds for it, unless it is a poll that needs none."""

    def __init__(self, site: "Site", server: object, connection: HTTPConnection) -> None:
        self._site = site
        self._server = server
        self._connection = connection
        self._handler: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        request = Request(cast(RequestStartLine, start_line), headers, self._connection, self._server)
        poll = self._site.poll_of(request)
        if poll is not None:
            return self._answer(poll, request)
        self._handler = self._site.find_handler(request)
        return self._handler.headers_received(start_line, headers)

    async def _answer(self, poll: "Poll", request: Request) -> None:
        error = await self._site.polls.answer(poll, request)
        if error is None:
            self._site.log_poll(request)
        else:
            self._handler = self._site.refusing(request, error)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        assert self._handler is not None
        return self._handler.data_received(chunk)

    def finish(self) -> None:
        if self._handler is not None:
            self._handler.finish()

    def on_connection_close(self) -> None:
        if self._handler is not None:
            self._handler.on_connection_close()
