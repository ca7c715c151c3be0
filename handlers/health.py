"""/healthz: whether it serves and MongoDB answers."""

import asyncio

from pymongo.errors import PyMongoError

from handlers.base import ApiHandler

# One who asks whether it is well is not kept waiting (seconds).
PATIENCE = 1.0


class HealthHandler(ApiHandler):
    async def get(self) -> None:
        reason = await self._trouble()
        if reason:
            self.set_header("Retry-After", "1")
            self.answer({"status": "unavailable", "reason": reason}, status=503)
        else:
            self.answer({"status": "ok"})

    async def _trouble(self) -> str:
        if self.chat.stopping.is_set():
            return "The server is stopping."
        try:
            await asyncio.wait_for(self.chat.connection.ping(), PATIENCE)
        except (PyMongoError, TimeoutError):
            return "MongoDB does not answer."
        return ""
