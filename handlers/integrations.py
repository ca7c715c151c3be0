"""/api/rooms/<room>/integrations and /api/hooks/<token>: other programs that say something in a room."""

from typing import Any

import msgspec

from chat.bots import Bot
from chat.errors import BadRequest
from chat.integrations import NewIntegration, key_of
from chat.protocol import Send, command
from handlers.base import ApiHandler

KEY_LIMIT = 200


class IntegrationsHandler(ApiHandler):
    async def get(self, name: str) -> None:
        found = await self.chat.integrations.of(name, self.caller())
        self.answer({"integrations": [_shown(bot) for bot in found]})

    async def post(self, name: str) -> None:
        bot, token = await self.chat.integrations.make(name, self.read(NewIntegration), self.caller())
        url = f"{self.request.protocol}://{self.request.host}{self.link('/api/hooks/')}{token}"
        self.answer(_shown(bot) | {"url": url, "token": token}, status=201)


class IntegrationHandler(ApiHandler):
    async def delete(self, name: str, id: str) -> None:
        await self.chat.integrations.revoke(name, id, self.caller())
        self.no_content()


class HookHandler(ApiHandler):
    """Takes a message as Parley has it, and as programs send it that were made for Slack: as JSON or as a form whose
    field `payload` holds JSON, with fields that mean nothing here."""

    async def post(self, token: str) -> None:
        address = self.request.remote_ip or ""
        bot = await self.chat.integrations.find(token, address)
        fields = self._fields()
        key = fields.pop("key", None) or self.request.headers.get("Idempotency-Key", "")
        if not isinstance(key, str) or len(key) > KEY_LIMIT:
            raise BadRequest(f"A key is a text of at most {KEY_LIMIT} characters.")
        known = {name: fields[name] for name in ("text", "kind", "data") if name in fields}
        message = command(known | {"type": "send", "room": bot.rooms[0], "key": key_of(bot, key)}, self.chat.limits)
        assert isinstance(message, Send)
        stored = await self.chat.integrations.post(bot, message, address)
        self.answer({"seq": stored.entry.seq, "at": stored.entry.at}, status=201 if stored.new else 200)

    def _fields(self) -> dict[str, Any]:
        """What was sent; raises BadRequest."""
        if "payload" not in self.request.body_arguments:
            return self.body()
        try:
            return msgspec.json.decode(self.request.body_arguments["payload"][-1], type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            raise BadRequest("The payload must be a JSON object.") from None


def _shown(bot: Bot) -> dict[str, Any]:
    return {"id": bot.id, "name": bot.name, "made": bot.made, "seen": bot.seen or None, "until": bot.until}
