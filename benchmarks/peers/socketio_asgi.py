"""python-socketio on uvicorn: `emit` to everybody."""

import argparse

import socketio
import uvicorn

server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")


@server.on("message")
async def chat(client: str, text: str) -> None:
    await server.emit("message", text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(
        socketio.ASGIApp(server),
        host="127.0.0.1",
        port=parser.parse_args().port,
        log_level="error",
        ws_per_message_deflate=False,
    )


main()
