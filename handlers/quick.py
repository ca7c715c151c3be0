"""The next poll of one who polls already, answered past what Tornado does for each request that has a handler.

Making the handler and its headers, and writing an answer with them, is much of what a poll costs. So a poll
that needs nothing but waiting is answered here, in the task of its connection. Any other, and any with which something
is wrong, is for PollHandler, which finds the same and says it.
"""

import time
from functools import lru_cache

from tornado.httputil import HTTPServerRequest, format_timestamp

from chat.chat import Chat
from chat.errors import ChatError
from handlers.arguments import Arguments
from handlers.connection import Connection
from handlers.headers import CALL_HEADERS, JSON_HEADERS
from handlers.identity import Sessions
from handlers.poll import Poll

# With one of these a request is not as simple as the others.
_SPECIAL = ("Content-Length", "Transfer-Encoding", "Expect", "Origin")


class QuickPolls:
    """Finds and answers them. `hsts` is the header that tells browsers to use TLS only, for those who do."""

    def __init__(self, chat: Chat, sessions: Sessions, *, hsts: str) -> None:
        self._chat = chat
        self._sessions = sessions
        self._hsts = hsts

    def begun(self, request: HTTPServerRequest) -> Poll | None:
        """The poll that a request begins, joined to its rooms; None if it is not for us. Raises ChatError."""
        if not _is_plain(request) or self._sessions.host is not None or self._sessions.to_load(request):
            return None
        address = request.remote_ip or ""
        self._chat.bans.check_address(address)
        self._chat.clients.admit(address)
        caller = self._sessions.identify(request)
        if caller is None:
            return None
        poll = Poll(self._chat, caller, Arguments(request.query_arguments))
        if not poll.is_at_hand():
            return None
        poll.enter()
        poll.join_at_once()
        return poll

    async def answer(self, poll: Poll, request: HTTPServerRequest) -> ChatError | None:
        """Waits, and sends the answer; returns the error where that is the answer."""
        connection = request.connection
        assert isinstance(connection, Connection)
        connection.has_come()
        connection.stream.set_close_callback(poll.give_up)
        try:
            body = await poll.answer()
        except ChatError as error:
            return error
        finally:
            poll.leave()
        head = _head(int(time.time()), self._hsts if request.protocol == "https" else "")
        connection.send(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        return None


def _is_plain(request: HTTPServerRequest) -> bool:
    """Whether the ready-made head fits: the connection stays open, and no page of another site reads the answer."""
    if request.method != "GET" or request.version != "HTTP/1.1":
        return False
    headers = request.headers
    wanted = headers.get_list("Connection")
    return (not wanted or wanted[0].lower() == "keep-alive") and not any(map(headers.get_list, _SPECIAL))


@lru_cache(maxsize=4)
def _head(second: int, strict_transport: str) -> bytes:
    headers = {"Date": format_timestamp(second), **CALL_HEADERS, **JSON_HEADERS}
    if strict_transport:
        headers["Strict-Transport-Security"] = strict_transport
    return "".join(["HTTP/1.1 200 OK\r\n", *(f"{name}: {value}\r\n" for name, value in headers.items())]).encode()
