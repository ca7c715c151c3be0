"""The workshop: where people make bots."""

from typing import Annotated

import msgspec
from msgspec import Meta

from chat.accounts import Account
from chat.bots import Bot, Bots, new_bot
from chat.claims import Claims
from chat.departures import Departures
from chat.entrance import Entrance
from chat.errors import BadRequest
from chat.names import person_name, room_name
from chat.room import Room

# Rooms that one token can name; for more there is a token for all of them.
ROOMS_LIMIT = 100


class WantedBot(msgspec.Struct, forbid_unknown_fields=True):
    """What a new bot is to be like: the rooms it may enter (none: all), whether it may write, and for how many days."""

    name: str
    rooms: list[str] = []
    write: bool = False
    days: Annotated[int, Meta(ge=1)] = 30


class Workshop:
    """Makes and removes bots. An account has at most `limit`, each valid for `longest` days at most."""

    def __init__(
        self, bots: Bots, claims: Claims, departures: Departures, entrance: Entrance, *, limit: int, longest: int
    ) -> None:
        self._bots = bots
        self._claims = claims
        self._departures = departures
        self._entrance = entrance
        self._limit = limit
        self._longest = longest

    async def make(self, maker: Account, wanted: WantedBot) -> tuple[Bot, str]:
        """The bot, and its token, which nobody is told again; raises BadRequest, NameTaken, Unavailable."""
        name, rooms = person_name(wanted.name), [room_name(room) for room in wanted.rooms]
        if len(rooms) > ROOMS_LIMIT:
            raise BadRequest(f"A token is for at most {ROOMS_LIMIT} rooms, or for all.")
        if wanted.days > self._longest:
            raise BadRequest(f"A token is valid for at most {self._longest} days.")
        return await self._make(new_bot(name, maker.id, rooms=rooms, write=wanted.write, days=wanted.days))

    async def make_for_room(self, maker: Account, name: str, room: Room) -> tuple[Bot, str]:
        """The same of a bot that only says something in one room, by its address."""
        return await self._make(
            new_bot(
                person_name(name),
                maker.id,
                rooms=[room.name],
                write=True,
                days=self._longest,
                into=room.key,
                epoch=room.epoch,
            )
        )

    async def _make(self, bot: Bot) -> tuple[Bot, str]:
        if len(await self._bots.of(bot.maker)) >= self._limit:
            raise BadRequest(f"An account has at most {self._limit} tokens; remove one first.")
        self._entrance.check_free(bot.name, None)
        self._claims.take(bot.id, [bot.name])
        try:
            return bot, await self._bots.insert(bot)
        except BaseException:
            self._claims.release(bot.id)
            raise

    async def remove(self, maker: str, id: str) -> None:
        """Raises NotFound, Unavailable."""
        await self._departures.remove_bot(maker, id)
        self._claims.release(id)
