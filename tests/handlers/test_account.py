"""/api/account: registering, changing, deleting."""

import base64
from typing import Any

from tornado.testing import gen_test

from handlers.identity import COOKIE
from tests.cases import PASSWORD, Answer, ChatTestCase
from tests.rooms import new_key
from tests.waiting import until

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


class RegisterTest(ChatTestCase):
    @gen_test
    async def test_registers(self) -> None:
        """201 with a user, a token and a cookie; the account is the answer of GET, and signs in by its password."""
        wanted = {"name": " Ann  Lee ", "password": PASSWORD, "email": "ann@example.org"}
        answer = await self.call("POST", "/api/account", wanted)
        assert answer.status == 201
        assert COOKIE in answer.headers["Set-Cookie"]
        user = answer.body["user"]
        assert (user["name"], user["guest"], user["id"][:2]) == ("Ann Lee", False, "a-")
        account = (await self.call("GET", "/api/account", token=answer.body["token"])).body
        assert account["made"] > 1_700_000_000_000
        assert {name: account[name] for name in account if name != "made"} == {
            "id": user["id"],
            "name": "Ann Lee",
            "display": "",
            "colour": "",
            "status": "",
            "picture": "",
            "email": "ann@example.org",
            "admin": False,
            "password": True,
            "linked": [],
        }
        signed_in = await self.call("POST", "/api/session", {"name": "ANN lee", "password": PASSWORD})
        assert (signed_in.status, signed_in.body["user"]) == (200, user)
        assert signed_in.body["token"] != answer.body["token"]
        session = await self.call("GET", "/api/session", token=signed_in.body["token"])
        assert session.body == {"user": user, "account": account}

    @gen_test
    async def test_talks_over_every_transport(self) -> None:
        """One with an account sends and reads by socket, poll, stream and single requests under their name."""
        token = await self.account("Ann")
        socket = await self.socket(room="a", token=token)
        stream = await self.stream("a", token=token)
        await stream.hear("subscribed")
        poll = await self.waiting_poll("a", token=token, after=0)
        await self.send("a", "hello", token=token)
        by_poll = (await poll).body["rooms"]["a"]["entries"][0]
        for entry in (await socket.hear("message"), await stream.hear("message"), by_poll):
            assert (entry["text"], entry["user"]["name"]) == ("hello", "Ann")
            assert entry["user"]["id"].startswith("a-")

    @gen_test
    async def test_a_bad_registration_is_refused(self) -> None:
        """A name or a password that is not allowed, no e-mail address, an unknown field: 400 that says how."""
        good = {"name": "ann", "password": PASSWORD}
        wrong: list[dict[str, Any]] = [
            {"name": ""},
            {"name": "\u202eann"},
            {"password": "short"},
            {"password": "x" * 201},
            {"password": 12345678},
            {"email": "nobody"},
            {"email": "a b@c"},
            {"email": {"$ne": ""}},
            {"admin": True},
        ]
        for fields in wrong:
            answer = await self.call("POST", "/api/account", good | fields)
            assert (answer.status, answer.code) == (400, "bad_request"), fields
        assert (await self.call("POST", "/api/account", good)).status == 201

    @gen_test
    async def test_a_taken_name_is_refused(self) -> None:
        """409 for a registered name, one that looks like it, and that of a guest who is here."""
        await self.account("Alice")
        self.token("bob")
        for name in ("alice", "ＡＬＩＣＥ", "AIice", "Аlice", "BOB"):
            answer = await self.call("POST", "/api/account", {"name": name, "password": PASSWORD})
            assert (answer.status, answer.code) == (409, "name_taken"), name
        assert (await self.call("POST", "/api/account", {"name": "Alina", "password": PASSWORD})).status == 201

    @gen_test
    async def test_a_guest_registers_their_own_name(self) -> None:
        """They may, and are a guest no longer: their token is worth nothing, their connections end."""
        token = self.token("ann")
        socket = await self.socket(room="a", token=token)
        answer = await self.call("POST", "/api/account", {"name": "Ann", "password": PASSWORD}, token=token)
        assert answer.status == 201
        assert await socket.closed() == 4401
        assert (await self.call("GET", "/api/session", token=token)).status == 401
        assert (await self.poll("a", token=answer.body["token"], after=0, wait=0)).status == 200


class ClosedRegistrationTest(ChatTestCase):
    settings = {"registration": "no"}  # noqa: RUF012

    @gen_test
    async def test_registration_can_be_closed(self) -> None:
        """With --registration=no nobody registers: 403."""
        answer = await self.call("POST", "/api/account", {"name": "ann", "password": PASSWORD})
        assert (answer.status, answer.code) == (403, "forbidden")
        assert (await self.call("POST", "/api/session", {"name": "ann"})).status == 200


class ProfileTest(ChatTestCase):
    async def change(self, token: str, **fields: Any) -> Answer:
        return await self.call("PATCH", "/api/account", fields, token=token)

    @gen_test
    async def test_changes_the_profile(self) -> None:
        """What is given is changed and the rest stays; others see it, without what is private."""
        token = await self.account("ann")
        answer = await self.change(token, display="Ann  Lee", colour="#A1B2C3", status=" on the road ")
        assert answer.status == 200
        account = answer.body
        assert (account["display"], account["colour"], account["status"]) == ("Ann Lee", "#a1b2c3", "on the road")
        assert (await self.change(token, status="")).body["colour"] == "#a1b2c3"
        public = (await self.call("GET", f"/api/people/{account['id']}", token=self.token("bob"))).body
        assert public == {
            "id": account["id"],
            "name": "ann",
            "display": "Ann Lee",
            "colour": "#a1b2c3",
            "status": "",
            "picture": "",
            "guest": False,
        }
        user = (await self.call("GET", "/api/session", token=token)).body["user"]
        assert user == {"id": account["id"], "name": "Ann Lee", "guest": False}

    @gen_test
    async def test_a_wrong_profile_is_refused(self) -> None:
        """400 that says how, and nothing is changed."""
        token = await self.account("ann")
        wrong: list[dict[str, Any]] = [
            {"display": "\u200b"},
            {"colour": "red"},
            {"colour": "#12345"},
            {"colour": "#12345g"},
            {"status": "x" * 141},
            {"status": "a\x00b"},
            {"picture": "http://example.org/a.png"},
            {"picture": data_url(b"GIF89a" + bytes(20))},
            {"picture": data_url(PNG, "jpeg")},
            {"picture": "data:image/svg+xml;base64,PHN2Zy8+"},
            {"picture": "data:image/png;base64,%%%"},
            {"admin": True},
            {"id": "a-1"},
            {"name": "bob", "password": {"$ne": ""}},
        ]
        before = (await self.call("GET", "/api/account", token=token)).body
        for fields in wrong:
            answer = await self.change(token, **fields)
            assert (answer.status, answer.code) == (400, "bad_request"), fields
        large = await self.change(token, picture=data_url(PNG + bytes(130 * 1024)))
        assert (large.status, large.code) == (413, "too_large")
        assert (await self.call("GET", "/api/account", token=token)).body == before

    @gen_test
    async def test_a_new_name_needs_the_password(self) -> None:
        """Name and e-mail are changed with the password alone; then the old name is free and the new one is taken."""
        token = await self.account("ann")
        for fields in ({"name": "cid"}, {"email": "a@b.c"}):
            assert (await self.change(token, **fields)).status == 401
            assert (await self.change(token, **fields, password="wrong password")).status == 401
        answer = await self.change(token, name="cid", email="a@b.c", password=PASSWORD)
        assert (answer.status, answer.body["name"], answer.body["email"]) == (200, "cid", "a@b.c")
        assert (await self.call("POST", "/api/session", {"name": "CID"})).status == 409
        assert (await self.call("POST", "/api/session", {"name": "ann"})).status == 200
        await self.sign_in("cid")
        assert (await self.call("POST", "/api/session", {"name": "ann", "password": PASSWORD})).status == 401

    @gen_test
    async def test_nobody_is_called_like_somebody_else(self) -> None:
        """409 for a name or a display name that another account has or shows, or a guest who is here."""
        await self.account("ann")
        bob = await self.account("bob")
        await self.change(bob, display="Bobby")
        self.token("guest")
        cid = await self.account("cid")
        for taken in ("Ann", "bobby", "Воbby", "guest"):
            assert (await self.change(cid, display=taken)).code == "name_taken", taken
            assert (await self.change(cid, name=taken, password=PASSWORD)).code == "name_taken", taken
        assert (await self.call("POST", "/api/session", {"name": "bobby"})).code == "name_taken"
        assert (await self.change(cid, display="CID")).status == 200  # one's own
        assert (await self.change(bob, display="")).status == 200
        assert (await self.change(cid, display="Bobby")).status == 200

    @gen_test
    async def test_connections_come_back_with_a_new_name(self) -> None:
        """Who is shown by another name from now on is asked to come back, and is seen under it."""
        token = await self.account("ann")
        socket, stream = await self.socket(room="a", token=token), await self.stream("a", token=token)
        await stream.hear("subscribed")
        poll = await self.waiting_poll("a", token=token, after=0)
        assert (await self.change(token, status="hi")).status == 200
        assert await socket.settled() is not None  # nothing that is seen has changed
        assert (await self.change(token, display="Ann Lee")).status == 200
        assert await socket.closed() == 1012
        await stream.ended()
        assert (await poll).status == 200
        again = await self.socket(token=token)
        assert again.told("welcome")[0]["user"]["name"] == "Ann Lee"

    @gen_test
    async def test_has_a_picture(self) -> None:
        """Its bytes come back as what they are, may be kept by caches, and are taken for nothing else."""
        token, reader = await self.account("ann"), self.token("bob")
        address = (await self.change(token, picture=data_url(PNG))).body["picture"]
        answer = await self.call("GET", address, token=reader)
        assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, PNG, "image/png")
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        plain = address.partition("?")[0]
        assert "no-cache" in (await self.call("GET", plain, token=reader)).headers["Cache-Control"]
        etag = {"If-None-Match": answer.headers["ETag"]}
        assert (await self.call("GET", address, token=reader, headers=etag)).status == 304
        other = (await self.change(token, picture=data_url(b"\xff\xd8\xff" + bytes(20), "jpeg"))).body["picture"]
        assert other != address
        assert (await self.call("GET", other, token=reader)).headers["Content-Type"] == "image/jpeg"
        assert (await self.change(token, picture="")).body["picture"] == ""
        assert (await self.call("GET", other, token=reader)).status == 404

    @gen_test
    async def test_who_is_nobody_is_not_found(self) -> None:
        """404 for a person or a picture that is none; guests who are here have a profile, and so have bots."""
        token = await self.account("ann")
        guest = (await self.call("GET", "/api/session", token=self.token("bob"))).body["user"]
        found = (await self.call("GET", f"/api/people/{guest['id']}", token=token)).body
        assert (found["name"], found["guest"]) == ("bob", True)
        bot = (await self.call("POST", "/api/account/tokens", {"name": "helper"}, token=token)).body
        assert (await self.call("GET", f"/api/people/{bot['id']}", token=token)).body["name"] == "helper"
        for path in ("/api/people/a-0", "/api/people/g-0", "/api/people/%24ne", f"/api/people/{guest['id']}/picture"):
            assert (await self.call("GET", path, token=token)).status == 404, path

    @gen_test
    async def test_several_profiles_at_once(self) -> None:
        """Those of the accounts among the ids, each as it is told alone; who is none is left out; too many are 400."""
        token = await self.account("ann")
        ann = (await self.call("GET", "/api/account", token=token)).body["id"]
        bob = (await self.call("GET", "/api/account", token=await self.account("bob"))).body["id"]
        found = await self.call("GET", f"/api/people?id={ann}&id=a-0&id={bob}&id=g-1&id=%24ne", token=token)
        alone = [(await self.call("GET", f"/api/people/{id}", token=token)).body for id in (ann, bob)]
        assert sorted(found.body["people"], key=lambda person: str(person["name"])) == alone
        assert (await self.call("GET", "/api/people", token=token)).body == {"people": []}
        many = "&".join(f"id=a-{number}" for number in range(101))
        assert (await self.call("GET", f"/api/people?{many}", token=token)).status == 400
        assert (await self.call("GET", f"/api/people?id={ann}")).status == 401

    @gen_test
    async def test_changes_the_password(self) -> None:
        """The old one is needed, and worth nothing afterwards; the session in which it is done goes on."""
        token, other = await self.account("ann"), await self.sign_in("ann")
        path, new = "/api/account/password", "battery staple"
        assert (await self.call("POST", path, {"old": "wrong password", "new": new}, token=token)).status == 401
        assert (await self.call("POST", path, {"old": PASSWORD, "new": "short"}, token=token)).status == 400
        assert (await self.call("POST", path, {"old": PASSWORD, "new": new}, token=token)).status == 204
        assert (await self.call("GET", "/api/account", token=token)).status == 200
        assert (await self.call("GET", "/api/account", token=other)).status == 401
        assert (await self.call("POST", "/api/session", {"name": "ann", "password": PASSWORD})).status == 401
        await self.sign_in("ann", password=new)

    @gen_test
    async def test_an_account_is_needed(self) -> None:
        """Guests and strangers have none: 401."""
        for token in (self.token("ann"), ""):
            for method, path in (
                ("GET", "/api/account"),
                ("PATCH", "/api/account"),
                ("DELETE", "/api/account"),
                ("POST", "/api/account/password"),
                ("GET", "/api/account/sessions"),
                ("GET", "/api/account/tokens"),
            ):
                answer = await self.call(method, path, {} if method != "GET" else None, token=token)
                assert (answer.status, answer.code) == (401, "unauthenticated"), (method, path)


class DeletionTest(ChatTestCase):
    async def delete(self, token: str, messages: str) -> None:
        wrong = {"password": "wrong password", "messages": messages}
        assert (await self.call("DELETE", "/api/account", wrong, token=token)).status == 401
        right = {"password": PASSWORD, "messages": messages}
        assert (await self.call("DELETE", "/api/account", right, token=token)).status == 204

    def names_stored(self) -> list[str]:
        return [entry["user"]["name"] for entry in self.stored()["entries"]]

    @gen_test
    async def test_messages_stay_without_the_name(self) -> None:
        """With `keep` texts stay and their author is a deleted account, in memory at once and in the store soon."""
        ann, bob = await self.account("ann"), self.token("bob")
        socket = await self.socket(room="a", token=ann)
        await self.send("a", "hello", token=ann)
        await self.send("a", "hi ann", token=bob)
        await self.command("a", token=ann, type="react", target=2, emoji="👍", key=new_key())
        await self.delete(ann, "keep")
        assert await socket.closed() == 4401
        entries = (await self.poll("a", token=bob, after=0)).body["rooms"]["a"]["entries"]
        assert [entry["user"]["name"] for entry in entries] == ["deleted account", "bob", "deleted account"]
        assert entries[0]["text"] == "hello"
        assert entries[1]["reactions"]["👍"][0]["name"] == "deleted account"
        await until(lambda: self.names_stored() == ["deleted account", "bob", "deleted account"])
        await until(lambda: self.mongod.client[self.database_name].accounts.count_documents({}) == 0)
        page = (await self.page("a")).body["entries"]
        assert [entry["user"]["name"] for entry in page] == ["deleted account", "bob"]

    @gen_test
    async def test_messages_go_with_the_account(self) -> None:
        """With `delete` no text is left in the store, in any room, and who is there is told of each deletion."""
        ann, bob = await self.account("ann"), await self.socket("bob", room="a")
        for n in range(3):
            await self.send("a", f"secret {n}", token=ann)
            await self.send(f"b{n}", "secret", token=ann)
        await self.command("a", token=ann, type="edit", target=1, text="secret again", key=new_key())
        await self.send("a", "mine", token=self.token("cid"))
        await self.delete(ann, "delete")
        gone = [(await bob.hear("delete"))["target"] for _ in range(3)]
        assert sorted(gone) == [1, 2, 3]
        await until(lambda: self.mongod.client[self.database_name].accounts.count_documents({}) == 0)
        assert "secret" not in str(self.stored())
        assert set(self.names_stored()) == {"deleted account", "cid"}
        page = (await self.page("a")).body["entries"]
        assert [entry.get("text") for entry in page] == [None, None, None, "mine"]

    @gen_test
    async def test_rooms_go_on_without_the_account(self) -> None:
        """It is a member of none any more; a room that was its own has another owner."""
        ann, bob = await self.account("ann"), await self.account("bob")
        assert (await self.call("POST", "/api/rooms", {"name": "den", "access": "private"}, token=ann)).status == 201
        put = await self.call("PUT", "/api/rooms/den/members/bob", {"role": "member"}, token=ann)
        assert put.status in (200, 204), put
        await self.delete(ann, "keep")
        await until(lambda: self.mongod.client[self.database_name].accounts.count_documents({}) == 1)
        members = (await self.call("GET", "/api/rooms/den/members", token=bob)).body["members"]
        assert [(member["name"], member["role"]) for member in members] == [("bob", "owner")]

    @gen_test
    async def test_nothing_is_left_of_a_deleted_account(self) -> None:
        """Its name is free, its sessions, bots and picture are gone, and no password signs it in."""
        ann = await self.account("ann")
        await self.call("PATCH", "/api/account", {"picture": data_url(PNG), "display": "Ann Lee"}, token=ann)
        made = (await self.call("POST", "/api/account/tokens", {"name": "helper", "write": True}, token=ann)).body
        await self.send("a", "hello", token=ann)
        bot = await self.socket(room="a", token=made["token"])
        await self.delete(ann, "keep")
        assert await bot.closed() == 4401
        for token in (ann, made["token"]):
            assert (await self.call("GET", "/api/session", token=token)).status == 401
        assert (await self.call("POST", "/api/session", {"name": "ann", "password": PASSWORD})).status == 401
        for name in ("ann", "Ann Lee", "helper"):
            assert (await self.call("POST", "/api/session", {"name": name})).status == 200
        database = self.mongod.client[self.database_name]
        for collection in ("sessions", "bots", "pictures"):
            assert database[collection].count_documents({}) == 0, collection
        await until(lambda: database.accounts.count_documents({}) == 0)
