"""The servers that are measured: how each is started, and what a client says to it."""

from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
PEERS = HERE / "peers"


@dataclass(frozen=True)
class Server:
    """One server. {port}, {folder} (for data) and {built} (of the C programs) are filled in in `command`.

    From `path` to `socketio` they are the flags of the load generator (load/options.c).
    """

    name: str
    label: str
    command: tuple[str, ...]
    path: str = "/"
    message: str = "{text}"
    post_path: str = ""
    ready: str = ""
    error: str = ""
    socketio: bool = False
    health: str = ""  # answers 200 once it serves; without it, to be reached is enough

    def client_flags(self) -> list[str]:
        flags = [f"--path={self.path}", f"--message={self.message}"]
        flags += [f"--post-path={self.post_path}"] if self.post_path else []
        flags += [f"--ready={self.ready}"] if self.ready else []
        flags += [f"--error={self.error}"] if self.error else []
        flags += ["--socketio"] if self.socketio else []
        return flags


def python(folder: Path) -> str:
    """The Python of a folder's virtual environment."""
    return str(folder / ".venv" / "bin" / "python")


def _peer(name: str, label: str, **more: str | bool) -> Server:
    script = PEERS / name
    runner = "node" if script.suffix == ".js" else python(HERE)
    return Server(script.stem, label, (runner, str(script), "--port={port}"), **more)  # type: ignore[arg-type]


_SOCKETIO: dict[str, str | bool] = {
    "path": "/socket.io/?EIO=4&transport=websocket",
    "message": '42["message","{text}"]',
    "socketio": True,
}
_PARLEY_COMMAND = (
    python(PROJECT),
    str(PROJECT / "server.py"),
    "--port={port}",
    "--data={folder}",
    "--log-level=error",
)

PARLEY = Server(
    "parley",
    "Parley",
    _PARLEY_COMMAND,
    path="/ws/bench{room}?username=u{run}-{i}",  # a name stays its guest's for a minute
    message='{"type":"send","room":"bench{room}","key":"{key}","text":"{text}"}',
    ready='"type":"subscribed"',
    error='"type":"error"',
    health="/healthz",
)
# No `wait` above 60 is allowed, and none below is needed: what is measured is over by then.
PARLEY_POLL = Server(
    "parley_poll",
    "Parley, long-poll",
    _PARLEY_COMMAND,
    path="/api/poll?username=u{run}-{i}&room=bench&after={cursor}&wait=60",
    post_path="/api/rooms/bench/messages?username=u{run}-{i}",
    message='{"key":"{key}","text":"{text}"}',
    health="/healthz",
)
TORNADO_LOOP = _peer("tornado_loop.py", "Tornado, `write_message` in a loop")
TORNADO_POLL = _peer("tornado_poll.py", "Tornado, a list of futures", path="/poll", post_path="/send")
NODE_WS = _peer("node_ws.js", "Node.js, ws")
C_SEND = Server("c_send", "C epoll loop, one send a message", ("{built}/epoll_loop", "--port={port}"))
C_JOIN = Server("c_join", "C epoll loop, joined sends", ("{built}/epoll_loop", "--port={port}", "--join"))

# In the order of the tables.
BROADCASTING = (
    PARLEY,
    C_JOIN,
    C_SEND,
    NODE_WS,
    _peer("socketio_node.js", "Socket.IO on Node.js", **_SOCKETIO),
    _peer("aiohttp_ws.py", "aiohttp"),
    _peer("websockets_broadcast.py", "websockets, `broadcast()`"),
    _peer("starlette_ws.py", "Starlette on uvicorn"),
    TORNADO_LOOP,
    _peer("socketio_asgi.py", "python-socketio on uvicorn", **_SOCKETIO),
)


def on_project(server: Server) -> Server:
    """The same server on the project's own environment, for those that need nothing else."""
    return replace(server, command=(python(PROJECT), *server.command[1:]))
