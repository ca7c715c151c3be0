"""/api/account/tokens: the tokens of one's bots."""

from typing import Any

from chat.bots import Bot
from chat.workshop import WantedBot
from handlers.base import ApiHandler


class TokensHandler(ApiHandler):
    async def get(self) -> None:
        account = await self.account()
        self.answer({"tokens": [_token_answer(bot) for bot in await self.chat.identity.bots.of(account.id)]})

    async def post(self) -> None:
        account, wanted = await self.account(), self.read(WantedBot)
        bot, token = await self.chat.identity.workshop.make(account, wanted)
        self.answer(_token_answer(bot) | {"token": token}, status=201)


class OneTokenHandler(ApiHandler):
    async def delete(self, id: str) -> None:
        account = await self.account()
        await self.chat.identity.workshop.remove(account.id, id)
        self.no_content()


def _token_answer(bot: Bot) -> dict[str, Any]:
    return {
        "id": bot.id,
        "name": bot.name,
        "rooms": bot.rooms,
        "write": bot.write,
        "made": bot.made,
        "seen": bot.seen or None,
        "until": bot.until,
    }
