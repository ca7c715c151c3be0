"""Requests as they come in: Tornado's, made without copying their arguments in depth."""

from collections.abc import Awaitable
from typing import cast

from tornado.escape import parse_qs_bytes
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import Application


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
    """Hands one request to the handler that an application finds for it."""

    def __init__(self, application: Application, server: object, connection: HTTPConnection) -> None:
        self._application = application
        self._server = server
        self._connection = connection
        self._handler: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        request = Request(cast(RequestStartLine, start_line), headers, self._connection, self._server)
        self._handler = self._application.find_handler(request)
        assert self._handler is not None
        return self._handler.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        assert self._handler is not None
        return self._handler.data_received(chunk)

    def finish(self) -> None:
        assert self._handler is not None
        self._handler.finish()

    def on_connection_close(self) -> None:
        if self._handler is not None:
            self._handler.on_connection_close()
