"""Pictures: what is one, and what is not."""

import base64

import pytest

from chat.errors import BadRequest, TooLarge
from chat.pictures import Pictures, picture
from tests.mongo import SessionMongod

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0" + bytes(20)
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(20)


def url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(("data", "kind"), [(PNG, "png"), (JPEG, "jpeg"), (WEBP, "webp")])
def test_takes_pictures(data: bytes, kind: str) -> None:
    """Its type is what it begins with, and the same bytes have the same hash."""
    found = picture(url(data, kind), 1_000)
    assert (found.type, found.data) == (f"image/{kind}", data)
    assert found.hash == picture(url(data, kind), 1_000).hash != picture(url(data + b"x", kind), 1_000).hash


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        url(PNG, "jpeg"),
        url(JPEG, "png"),
        url(b"RIFF\x10\x00\x00\x00WAVEfmt " + bytes(20), "webp"),
        url(b"<svg onload=alert(1)>", "png"),
        url(b"GIF89a" + bytes(20), "gif"),
        url(PNG, "png").replace("image/png", "text/html"),
        url(PNG, "png") + "\n",
        url(PNG, "png")[:-1] + "*",
        "data:image/png;base64,A",
        "data:image/png,abc",
        "https://example.org/a.png",
    ],
)
def test_refuses_what_is_none(text: str) -> None:
    """Another type than it says, no base64, another address."""
    with pytest.raises(BadRequest):
        picture(text, 1_000)


def test_refuses_large_ones() -> None:
    """Up to the limit to the byte."""
    picture(url(PNG, "png"), len(PNG))
    for limit in (len(PNG) - 1, 1):
        with pytest.raises(TooLarge):
            picture(url(PNG + bytes(2_000), "png"), limit)


async def test_keeps_one_for_each_account(mongod: SessionMongod, database: str) -> None:
    """The last one counts; it goes when it is removed."""
    connection = mongod.connection(database)
    pictures = Pictures(connection.database)
    assert await pictures.of("a-1") is None
    for data, kind in ((PNG, "png"), (WEBP, "webp")):
        kept = picture(url(data, kind), 1_000)
        await pictures.keep("a-1", kept)
        assert await pictures.of("a-1") == kept
    assert await pictures.of("a-2") is None
    for _ in range(2):
        await pictures.remove("a-1")
    assert await pictures.of("a-1") is None
    connection.close()
