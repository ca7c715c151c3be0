"""/api/rooms/<room>/invitations and /api/invitations/<token>: links that let people into rooms."""

import io
from typing import Any

import segno

from chat.invitations import Invitation, NewInvitation
from handlers.base import ApiHandler


class InvitationsHandler(ApiHandler):
    async def get(self, name: str) -> None:
        found = await self.chat.house.invitations.of(name, self.caller())
        self.answer({"invitations": [_shown(invitation) for invitation in found]})

    async def post(self, name: str) -> None:
        invitation, token = await self.chat.house.invitations.make(name, self.read(NewInvitation), self.caller())
        url = f"{self.request.protocol}://{self.request.host}{self.link('/join/')}{token}"
        self.answer(_shown(invitation) | {"url": url, "token": token, "qr": _qr_code(url)}, status=201)


class InvitationHandler(ApiHandler):
    async def delete(self, name: str, id: str) -> None:
        await self.chat.house.invitations.revoke(name, id, self.caller())
        self.no_content()


class JoinHandler(ApiHandler):
    """The invitation as the invited see it; its token is the right to look at it."""

    async def get(self, token: str) -> None:
        room = await self.chat.house.invitations.room(token, self.request.remote_ip or "")
        self.answer({"room": room.name, "title": room.title})

    async def post(self, token: str) -> None:
        with self.present() as caller:
            room = await self.chat.house.invitations.accept(token, caller)
            self.answer({"room": room.name})


def _shown(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "until": invitation.until,
        "uses": invitation.uses or 0,
        "made": invitation.made,
        "by": invitation.by,
    }


def _qr_code(url: str) -> str:
    """An SVG that cameras read (ISO/IEC 18004), dark on light whatever the page's colours are."""
    svg = io.BytesIO()
    qr = segno.make_qr(url, error="m")
    qr.save(svg, kind="svg", light="#fff", xmldecl=False, omitsize=True, svgclass=None, lineclass=None)
    return svg.getvalue().decode().strip()
