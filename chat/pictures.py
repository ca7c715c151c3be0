"""Pictures of people: checked by what they are, not by what they are said to be."""

import base64
import binascii
import hashlib
import re

import msgspec
from bson import Binary

from chat.database import DURABLE, Database, mongo_errors
from chat.errors import BadRequest, TooLarge

_DATA_URL = re.compile(r"data:image/(?P<kind>png|jpeg|webp);base64,(?P<data>[A-Za-z0-9+/]+={0,2})")
# What files of each kind begin with (PNG, section 5.2; JPEG, B.1.1.3; RFC 9649, section 2.4): bytes at places.
_BEGINNINGS = {
    "png": {0: b"\x89PNG\r\n\x1a\n"},
    "jpeg": {0: b"\xff\xd8\xff"},
    "webp": {0: b"RIFF", 8: b"WEBP"},
}


class Picture(msgspec.Struct, frozen=True):
    """A picture: its media type, its bytes, and the hash of these by which caches know it."""

    type: str
    data: bytes
    hash: str


def picture(url: str, limit: int) -> Picture:
    """The picture in a data: address; raises BadRequest for what is none, TooLarge for more than `limit` bytes."""
    if len(url) > limit * 4 // 3 + 100:
        raise TooLarge(f"A picture has at most {limit} bytes.")
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise BadRequest("A picture is a data: address of a PNG, a JPEG or a WebP in base64.")
    try:
        data = base64.b64decode(found["data"], validate=True)
    except binascii.Error:
        raise BadRequest("The picture is not in base64.") from None
    if len(data) > limit:
        raise TooLarge(f"A picture has at most {limit} bytes.")
    kind = found["kind"]
    if not all(data.startswith(bytes_, place) for place, bytes_ in _BEGINNINGS[kind].items()):
        raise BadRequest(f"The picture is no {kind.upper()}.")
    return Picture(f"image/{kind}", data, hashlib.sha256(data).hexdigest()[:32])


class Pictures:
    """Pictures in the collection `pictures`, one for each account. Every call raises Unavailable while MongoDB is
    away."""

    def __init__(self, database: Database) -> None:
        self._pictures = database.get_collection("pictures", write_concern=DURABLE)

    async def of(self, account: str) -> Picture | None:
        async with mongo_errors():
            found = await self._pictures.find_one({"_id": account})
        return Picture(found["type"], bytes(found["data"]), found["hash"]) if found else None

    async def keep(self, account: str, picture: Picture) -> None:
        fields = {"type": picture.type, "data": Binary(picture.data), "hash": picture.hash}
        async with mongo_errors():
            await self._pictures.replace_one({"_id": account}, fields, upsert=True)

    async def remove(self, account: str) -> None:
        """Harmless when repeated."""
        async with mongo_errors():
            await self._pictures.delete_one({"_id": account})
