"""The events of a `text/event-stream` (HTML standard, section 9.2)."""

from collections.abc import AsyncIterable, AsyncIterator


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes | None]:
    """The data of each event, and None for whatever else arrives, which shows that the line is alive."""
    waiting = b""
    async for chunk in chunks:
        waiting += chunk.replace(b"\r", b"")
        *blocks, waiting = waiting.split(b"\n\n")
        yield None
        for block in blocks:
            data = _data(block)
            if data:
                yield data


def _data(block: bytes) -> bytes:
    lines = (line for line in block.split(b"\n") if line.startswith(b"data:"))
    return b"\n".join(line.removeprefix(b"data:").removeprefix(b" ") for line in lines)
