"""What the calls of the API are about: rooms, people and what they have, made over HTTP, and anew once destroyed."""

import itertools
import json
from collections.abc import Callable, Iterator
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import requests

from settings import Settings
from tests.cases import PASSWORD
from tests.rooms import new_key
from tests.waiting import PATIENCE

ROLES = ("guest", "account", "administrator")
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4"
    "2mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

# As much of everything as anybody may want, and nobody waits.
SETTINGS: dict[str, Any] = {
    **{name: "1000000/1000000" for name in Settings.__struct_fields__ if name.endswith("_rate")},
    "attempts": 1_000_000,
    "attempts_delay": 0,
    "poll_wait": 0,
    "poll_wait_limit": 0,
    "bots_limit": 1_000_000,
    "rooms_per_person": 1_000_000,
    "memberships_limit": 1_000_000,
    "invitations_limit": 1_000_000,
    "open_reports": 1_000_000,
    "sanctions_limit": 1_000_000,
    "desk_open_limit": 1_000_000,
    "desks_limit": 1_000_000,
}

MakeAdministrator = Callable[[str], str]


class Ground:
    """One that asks in each role, at a server. `make_administrator` gives the token of a new one of that name."""

    def __init__(self, url: str, make_administrator: MakeAdministrator) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False  # no proxies, and none looked for with each request
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # who asks is said by the token alone
        self._make_administrator = make_administrator
        self._numbers = itertools.count(1)
        self._places: dict[str, Place] = {}

    @cached_property
    def keeper(self) -> str:
        """The token of an administrator who makes what others need."""
        return self.token("administrator", "keeper")

    def place(self, role: str) -> "Place":
        """Where one in that role stands, with all that belongs to them."""
        if role not in self._places:
            self._places[role] = Place(self, role, self.number())
        return self._places[role]

    def number(self) -> int:
        """One that nothing has yet."""
        return next(self._numbers)

    def mend(self, role: str) -> None:
        """Makes a new place, if something of the one there was has been destroyed."""
        if self._places[role].is_worn:
            del self._places[role]

    def leave(self) -> None:
        """All places are new from now on."""
        self._places.clear()

    def token(self, role: str, name: str) -> str:
        """Of somebody new."""
        if role == "administrator":
            return self._make_administrator(name)
        if role == "account":
            return str(self.ask("POST", "/api/account", {"name": name, "password": PASSWORD})["token"])
        return str(self.ask("POST", "/api/session", {"name": name})["token"])

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """The answer to a call that has to succeed."""
        answer = self.send(method, path, None if body is None else json.dumps(body).encode(), token=token)
        assert answer.status_code < 300, (method, path, body, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def send(self, method: str, path: str, body: bytes | None = None, *, token: str = "") -> requests.Response:
        """The answer to any request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.session.request(
            method, self.url + path, data=body, headers=headers, timeout=PATIENCE, allow_redirects=False
        )


class Place:
    """A room of one's own with a message of one's own, another's private room, and ids of all kinds."""

    def __init__(self, ground: Ground, role: str, number: int) -> None:
        self._ground = ground
        self.role = role
        self.name = f"{role} {number}"
        self.other = f"other {number}"
        self.room = f"room-{role}-{number}"
        self.secret = f"secret-{role}-{number}"
        self.token = ground.token(role, self.name)
        self._others_token = ground.token("account", self.other)
        self.id = str(self._ask("GET", "/api/session")["user"]["id"])
        self.other_id = str(ground.ask("GET", "/api/session", token=self._others_token)["user"]["id"])
        self._furnish()

    def _furnish(self) -> None:
        room, others = f"/api/rooms/{self.room}", self._others_token
        self._ask("POST", "/api/rooms", {"name": self.room, "access": "link"})
        self._ask("PUT", f"{room}/members/{self.other_id}", {})
        self._ask("POST", f"{room}/messages", {"key": new_key(), "text": "one"})
        invitation = self._ask("POST", f"{room}/invitations", {"uses": 0})
        self.invitation, self.invited = invitation["id"], invitation["token"]
        self.report = self._ask("POST", f"{room}/reports", {"seq": 1, "reason": "x"})["id"]
        self._ground.ask("POST", "/api/rooms", {"name": self.secret, "access": "private"}, token=others)
        self._ground.ask("PATCH", "/api/account", {"picture": PICTURE}, token=others)
        webhook = {"url": "https://hooks.invalid/", "types": ["reaction"]}
        self.webhook = self._ask("POST", f"{room}/webhooks", webhook)["id"]
        self.bot = self.sign_in = self.integration = self.hook = "none"
        if self.role != "guest":
            self.bot = self._ask("POST", "/api/account/tokens", {"name": f"bot of {self.name}"})["id"]
            integration = self._ask("POST", f"{room}/integrations", {"name": f"build of {self.name}"})
            self.integration, self.hook = integration["id"], integration["token"]
            self._ground.ask("POST", "/api/session", {"name": self.name, "password": PASSWORD})
            self.sign_in = self._ask("GET", "/api/account/sessions")["sessions"][0]["id"]
        self.desk = self.conversation = ""

    def furnish_desk(self) -> None:
        """A support desk of which one is an agent, as far as one can, with a conversation: for calls about those."""
        self.desk = f"desk-{self.id[2:]}"
        agents = [] if self.role == "guest" else [self.id]
        settings = {"title": "A desk", "agents": agents}
        self._ground.ask("PUT", f"/api/desks/{self.desk}/settings", settings, token=self._ground.keeper)
        begun = {"key": new_key(), "text": "one"}
        self.conversation = self._ask("POST", f"/api/desks/{self.desk}/conversations", begun)["room"]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return self._ground.ask(method, path, body, token=self.token)

    @property
    def is_worn(self) -> bool:
        """Whether something that is needed has been destroyed."""
        me = self._ground.send("GET", "/api/account", token=self.token)
        if self.role != "guest" and (me.status_code != 200 or me.json()["admin"] != (self.role == "administrator")):
            return True
        if self.desk and self.role != "guest":
            conversation = self._ground.send("GET", f"/api/conversations/{self.conversation}", token=self.token)
            if conversation.status_code != 200:
                return True
        room = self._ground.send("GET", f"/api/rooms/{self.room}", token=self.token)
        return room.status_code != 200 or not room.json()["rights"]["own"]

    # What fits, by the names in the document

    def parts(self, path: str) -> dict[str, list[str]]:
        """For the parts of an address, percent-encoded, what fits best first."""
        if not self.desk and path.startswith(("/api/desks/", "/api/conversations/")):
            self.furnish_desk()
        ids = {
            "/api/account/sessions/": self.sign_in,
            "/api/account/tokens/": self.bot,
            "/api/rooms/{room}/invitations/": self.invitation,
            "/api/rooms/{room}/reports/": self.report,
            "/api/admin/reports/": self.report,
            "/api/rooms/{room}/webhooks/": self.webhook,
            "/api/rooms/{room}/integrations/": self.integration,
            "/api/conversations/": self.conversation,
        }
        fitting = next((id for start, id in ids.items() if path.startswith(start)), self.other_id)
        return {
            "desk": [self.desk or "none", "nowhere"],
            "seq": ["1", "2", "0"],
            "room": [self.room, self.secret, "nowhere"],
            "id": [fitting, self.id],
            "who": [self.other_id, quote(self.other), self.id],
            "token": [self.hook if path.startswith("/api/hooks/") else self.invited, "none"],
            "range": ["203.0.113.0%2F24"],
        }

    def arguments(self, path: str) -> dict[str, Any]:
        """For arguments behind the question mark."""
        return {
            "room": [self.room],
            "after": [0],
            "id": [self.id, self.other_id],
            "find": self.other,
            "wait": 0,
            "limit": 5,
            "members": "1",
            "state": "waiting" if path.startswith("/api/desks/") else "open",
            "as": "json",
        }

    def fields(self, path: str) -> Iterator[tuple[str, Any]]:
        """For fields of bodies; new ones each time, where something can be done once."""
        yield "key", new_key()
        if path.startswith("/api/conversations/"):
            yield "act", "note"
        is_known = path == "/api/session" and self.role != "guest"
        yield "name", self.name if is_known else f"new-{self.role}-{self._ground.number()}"
        yield from {
            "password": PASSWORD,
            "old": PASSWORD,
            "new": PASSWORD,
            "email": "ann@example.org",
            "messages": "keep",
            "display": "",
            "colour": "#123456",
            "status": "here",
            "picture": PICTURE,
            "rooms": [self.room],
            "days": 3,
            "title": "A title",
            "slow": 0,
            "text": "two",
            "emoji": "👍",
            "target": 1,
            "seq": 1,
            "who": self.other_id,
            "people": [self.other],
            "hours": [] if path.startswith("/api/desks/") else 1,
            "uses": 1,
            "url": "https://hooks.invalid/",
            "reason": "a reason",
            "note": "a note",
            "seconds": 60,
            "range": "203.0.113.0/24",
            "tags": ["chess"],
        }.items()
