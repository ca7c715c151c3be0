"""/api/setup: the account of the first administrator."""

import msgspec

from handlers.base import ApiHandler
from handlers.identity import origin_of


class Setup(msgspec.Struct, forbid_unknown_fields=True):
    """The body that makes the first administrator; the token stands in the link that the server prints."""

    token: str
    name: str
    password: str


class SetupHandler(ApiHandler):
    async def post(self) -> None:
        wanted = self.read(Setup)
        signed_in = await self.chat.identity.entrance.set_up(
            wanted.token, wanted.name, wanted.password, origin_of(self.request)
        )
        self.sessions.set_cookie(self, signed_in.token)
        self.answer(signed_in, status=201)
