"""/api/pairing: chat roulette for clients that poll or follow event streams, and what sockets share with them."""

import asyncio
from contextlib import suppress

from chat.chat import Chat
from chat.errors import BadRequest
from chat.pairing import Seat
from chat.people import User
from chat.protocol import AnyPairing, Block, Keep, Next, Pair, Pairing, Unpair, command
from handlers.base import ApiHandler


async def carry_out(chat: Chat, user: User, wanted: AnyPairing) -> None:
    """Does what somebody who takes part wants; they are told what came of it through their seat. Raises ChatError."""
    pairing = chat.pairing
    match wanted:
        case Pair():
            pairing.seek(user, wanted.tags)
        case Next():
            pairing.next(user, wanted.tags)
        case Unpair():
            pairing.stop(user)
        case Block():
            pairing.block(user)
        case Keep():
            await pairing.keep(user)


class PairingHandler(ApiHandler):
    async def get(self) -> None:
        """What one was told last; with `told`, the number of what one knows, it waits until there is more."""
        limits = self.chat.limits
        known = self.query.number("told", None, least=0)
        wait = self.query.number("wait", int(limits.poll_wait), least=0, most=int(limits.poll_wait_limit))
        with self.present() as caller:
            self.chat.clients.admit(caller.address)
            seat = self.chat.pairing.enter(caller.user)
            try:
                if seat.told == known and not self.chat.stopping.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(seat.changed.wait(), wait)
            finally:
                self.chat.pairing.leave(caller.user)
            self._answer(seat)

    async def post(self) -> None:
        with self.present() as caller:
            wanted = command(self.body(), self.chat.limits)
            if not isinstance(wanted, Pairing):
                raise BadRequest("Only pair, next, unpair, block and keep are commands here.")
            self.chat.rates.passing(caller)
            seat = self.chat.pairing.enter(caller.user)
            try:
                await carry_out(self.chat, caller.user, wanted)
            finally:
                self.chat.pairing.leave(caller.user)
            self._answer(seat)

    def _answer(self, seat: Seat) -> None:
        self.answer({"told": seat.told, "state": seat.state})
