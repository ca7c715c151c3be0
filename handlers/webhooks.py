"""/api/rooms/<room>/webhooks: who else is told of a room's entries, and what did not arrive there."""

from typing import Any

from chat.protocol import SEQ_LIMIT
from chat.webhooks import NewWebhook, Webhook, WebhookChange
from handlers.arguments import whole
from handlers.base import ApiHandler


class WebhooksHandler(ApiHandler):
    async def get(self, name: str) -> None:
        found = await self.chat.hooks.of(name, self.caller())
        self.answer({"webhooks": [_shown(hook) for hook in found]})

    async def post(self, name: str) -> None:
        hook = await self.chat.hooks.make(name, self.read(NewWebhook), self.caller())
        self.answer(_shown(hook) | {"secret": hook.secret}, status=201)


class WebhookHandler(ApiHandler):
    async def patch(self, name: str, id: str) -> None:
        wanted = self.read(WebhookChange)
        self.answer(_shown(await self.chat.hooks.change(name, id, self.caller(), paused=wanted.paused)))

    async def delete(self, name: str, id: str) -> None:
        await self.chat.hooks.remove(name, id, self.caller())
        self.no_content()


class DeadLettersHandler(ApiHandler):
    async def get(self, name: str, id: str) -> None:
        self.answer({"letters": await self.chat.hooks.letters(name, id, self.caller())})


class DeadLetterHandler(ApiHandler):
    async def post(self, name: str, id: str, seq: str) -> None:
        await self.chat.hooks.send_again(name, id, _seq(seq), self.caller())
        self.no_content()

    async def delete(self, name: str, id: str, seq: str) -> None:
        await self.chat.hooks.drop(name, id, _seq(seq), self.caller())
        self.no_content()


def _seq(text: str) -> int:
    return min(whole("seq", text, 1), SEQ_LIMIT)


def _shown(hook: Webhook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "url": hook.url,
        "types": hook.types,
        "made": hook.made,
        "by": hook.by,
        "seq": hook.cursor,
        "paused": hook.paused,
        "failing": hook.failing,
        "error": hook.error,
    }
