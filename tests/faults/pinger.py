"""Pings the server again and again, and says how long each ping took: `python -m tests.faults.pinger URI HEADERS`.

A process of its own, so that the load's work is not taken for the server's. It ends with the process that started it.
Each line has the moment of a ping, its round trip, and by how much the sleep after it overshot (seconds, monotonic).
"""

import json
import os
import sys
import time
from contextlib import suppress

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

PAUSE = 0.05


def ping(socket: ClientConnection) -> None:
    """Goes on until the connection breaks."""
    while True:
        began = time.monotonic()
        socket.send('{"type":"ping"}')
        while json.loads(socket.recv(timeout=60))["type"] != "pong":
            pass
        answered = time.monotonic()
        time.sleep(PAUSE)
        overshoot = time.monotonic() - answered - PAUSE
        print(began, answered - began, overshoot, flush=True)


def main(uri: str, headers: dict[str, str]) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        with (
            suppress(OSError, TimeoutError, WebSocketException),
            connect(
                uri,
                additional_headers=headers,
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=5,
                close_timeout=0.1,
            ) as socket,
        ):
            ping(socket)
        time.sleep(0.1)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError):
        main(sys.argv[1], json.loads(sys.argv[2]))
