"""Tornado's HTTP server with what it lacks for the open internet: trusted proxies, and an eye on slow clients."""

from typing import Any, cast

from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httpserver import HTTPServer, _HTTPRequestContext
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.iostream import IOStream
from tornado.web import Application

from handlers.connection import ServerConnection
from handlers.overdue import Overdue, Patience, Under
from handlers.proxies import Forwarded, Proxies


class WebServer(HTTPServer):
    """Serves an application; `overdue` is to be run beside it."""

    def initialize(  # type: ignore[override]
        self, application: Application, *, proxies: Proxies, patience: Patience, **given: Any
    ) -> None:
        super().initialize(application, **given)
        # Tornado would set a timer for each request and take it back, 7% of the time of a poll; `overdue` looks now
        # and then instead.
        self.conn_params.header_timeout = None
        self._proxies = proxies
        self._requests: dict[object, Under] = {}
        self.overdue = Overdue(self._requests, patience)

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        context = _HTTPRequestContext(stream, address, self.protocol, self.trusted_downstream)
        connection = ServerConnection(stream, self.conn_params, context)
        self._connections.add(connection)
        connection.start_serving(self)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        self._requests[server_conn] = (cast(HTTP1Connection, request_conn), server_conn in self._requests)
        delegate = super().start_request(server_conn, request_conn)
        if self._proxies.trusted:
            context: Any = cast(HTTP1ServerConnection, server_conn).context
            if self._proxies.trusted.hold(context.address[0]):
                return Forwarded(delegate, context, self._proxies)
        return delegate

    def on_close(self, server_conn: object) -> None:
        self._requests.pop(server_conn, None)
        super().on_close(server_conn)
