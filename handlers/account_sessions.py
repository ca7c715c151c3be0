"""/api/account/sessions: the list of one's sessions, and ending them."""

from chat.errors import NotFound
from handlers.base import ApiHandler


class SessionsHandler(ApiHandler):
    async def get(self) -> None:
        account, current = await self.account(), self.caller().session
        self.answer(
            {
                "sessions": [
                    {
                        "id": session.id,
                        "made": session.made,
                        "seen": session.seen,
                        "address": session.address,
                        "agent": session.agent,
                        "current": session.id == current,
                    }
                    for session in await self.chat.identity.sessions.of(account.id)
                ]
            }
        )

    async def delete(self) -> None:
        account = await self.account()
        await self.chat.identity.departures.end_all(account.id)
        self.sessions.clear_cookie(self)
        self.no_content()


class OneSessionHandler(ApiHandler):
    async def delete(self, id: str) -> None:
        account = await self.account()
        if id not in {session.id for session in await self.chat.identity.sessions.of(account.id)}:
            raise NotFound("There is no such session.")
        if id == self.caller().session:
            self.sessions.clear_cookie(self)
        await self.chat.identity.departures.end(account.id, [id])
        self.no_content()
