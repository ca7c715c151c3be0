"""Which names the server answers to."""

import socket
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

ANY = "*"


class Hosts:
    """The names of this server: those given, and those that no stranger can make lead here.

    A page of another site may give its own name the address of this server (DNS rebinding), and is then taken by the
    browser for a page of ours. It always comes by a name, which the Host header shows: so addresses are answered, and
    so are `localhost` and the machine's own name, and any other only if it was given. `*` answers to all. Raises
    ValueError for what is no name.
    """

    def __init__(self, names: Iterable[str]) -> None:
        own = socket.gethostname().lower()
        short = own.partition(".")[0]
        self._names = {"localhost", own, short, f"{short}.local", *(_checked(name).lower() for name in names)}
        self.answers_to: Callable[[str], bool] = lru_cache(maxsize=1024)(self._answers_to)
        """Whether a request is for us, by its Host header, with or without a port."""

    def _answers_to(self, host: str) -> bool:
        if ANY in self._names:
            return True
        try:
            parts = urlsplit(f"//{host}")
            name, _ = parts.hostname or "", parts.port
        except ValueError:
            return False
        if _is_address(name):
            return True
        name = name.removesuffix(".")
        return name in self._names or name.endswith(".localhost")


def _checked(name: str) -> str:
    if name != ANY and (not name or set(name) & set(" :/@[]*")):
        raise ValueError(f"{name!r} is no name of a host; one looks like chat.example.org, without scheme and port")
    return name


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
