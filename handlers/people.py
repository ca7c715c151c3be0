"""/api/people and /api/people/<id>: what everybody may know of people, and their pictures."""

from typing import Any

from chat.accounts import Account
from chat.errors import BadRequest, NotFound
from handlers.account import Link, picture_address
from handlers.base import ApiHandler

# A picture's address changes with it, so who has it need not ask again (seconds: a year).
KEPT = 31_536_000
# People in one question at most: two screens of a lively room.
AT_ONCE = 100


class ProfilesHandler(ApiHandler):
    """Several at once, those whom a page shows. Only accounts have more than a name, so only they are told."""

    async def get(self) -> None:
        self.caller()
        ids = self.query.all("id")
        if len(ids) > AT_ONCE:
            raise BadRequest(f"One question is about at most {AT_ONCE} people.")
        accounts = await self.chat.identity.accounts.by_ids(ids)
        self.answer({"people": [_account_profile(account, self.link) for account in accounts]})


class PersonHandler(ApiHandler):
    async def get(self, id: str) -> None:
        self.caller()
        self.answer(await self._profile(id))

    async def _profile(self, id: str) -> dict[str, Any]:
        nothing = {"display": "", "colour": "", "status": "", "picture": ""}
        account = await self.chat.identity.accounts.by_id(id)
        if account is not None:
            return _account_profile(account, self.link)
        bot = await self.chat.identity.bots.by_id(id)
        if bot is not None:
            return {"id": bot.id, "name": bot.name, **nothing, "guest": False}
        user = self.chat.people.find(id)
        if user is not None:
            return {"id": user.id, "name": user.name, **nothing, "guest": user.guest}
        raise NotFound("There is no such person.")


class PictureHandler(ApiHandler):
    """Answers the bytes of a picture, which a browser is to take for nothing else."""

    async def get(self, id: str) -> None:
        self.caller()
        picture = await self.chat.identity.pictures.of(id)
        if picture is None:
            raise NotFound("There is no picture.")
        self.set_header("Content-Type", picture.type)
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Content-Disposition", "inline")
        self.set_header("ETag", f'"{picture.hash}"')
        known = self.query.all("v") == [picture.hash]
        self.set_header("Cache-Control", f"private, max-age={KEPT}, immutable" if known else "private, no-cache")
        if self.check_etag_header():
            self.set_status(304)
        else:
            self.write(picture.data)


def _account_profile(account: Account, link: Link) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "display": account.display,
        "colour": account.colour,
        "status": account.status,
        "picture": picture_address(account, link),
        "guest": False,
    }
