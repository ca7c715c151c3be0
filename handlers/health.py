"""/healthz: whether it serves and MongoDB answers."""

from pymongo.errors import PyMongoError

from handlers.base import ApiHandler


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
            await self.chat.connection.ping()
        except PyMongoError:
            return "MongoDB does not answer."
        return ""
