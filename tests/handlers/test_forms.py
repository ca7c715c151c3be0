"""The pages at the door: forms that a browser sends by itself."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from tornado.testing import gen_test

from tests.cases import Answer, ChatTestCase

PASSWORD = "correct horse battery"


class FormCase(ChatTestCase):
    async def send_form(self, path: str, cookie: str = "", **fields: str) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({"Cookie": cookie} if cookie else {})
        return await self.call("POST", path, urlencode(fields).encode(), headers=headers)

    async def who(self, cookie: str) -> Any:
        return (await self.call("GET", "/api/session", headers={"Cookie": cookie})).body


def cookie_of(answer: Answer) -> str:
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


class FormsTest(FormCase):
    @gen_test
    async def test_registering_signs_in_and_leads_on(self) -> None:
        """A new account is signed in by a cookie, and its owner goes on to where they wanted to be."""
        answer = await self.send_form("/register", name="ann", password=PASSWORD, next="/chat/lobby")
        assert (answer.status, answer.headers["Location"]) == (303, "/chat/lobby")
        who = await self.who(cookie_of(answer))
        assert (who["user"]["name"], who["user"]["guest"]) == ("ann", False)

    @gen_test
    async def test_what_is_wrong_is_said_in_the_page(self) -> None:
        """The form comes again with the sentence and what was typed, but never with the password."""
        await self.send_form("/register", name="ann", password=PASSWORD)
        taken = await self.send_form("/register", name="ANN", password=PASSWORD, email="a@example.org", next="/account")
        page = taken.body.decode()
        assert taken.status == 409
        assert "belongs to somebody" in page
        assert 'value="ANN"' in page and 'value="a@example.org"' in page and 'value="/account"' in page
        assert PASSWORD not in page
        assert taken.headers["Cache-Control"] == "no-store"

    @gen_test
    async def test_signing_in_with_a_password(self) -> None:
        """The right password leads on with a cookie; a wrong one and a wrong name are told in the same words."""
        await self.send_form("/register", name="ann", password=PASSWORD)
        right = await self.send_form("/sign-in", name="ann", password=PASSWORD, next="/account")
        assert (right.status, right.headers["Location"]) == (303, "/account")
        assert (await self.who(cookie_of(right)))["account"]["name"] == "ann"
        for name in ("ann", "nobody"):
            wrong = await self.send_form("/sign-in", name=name, password="something else")
            assert wrong.status == 401
            assert "The name or the password is wrong." in wrong.body.decode()
            assert "Set-Cookie" not in wrong.headers

    @gen_test
    async def test_signing_in_as_a_guest(self) -> None:
        """A name alone is enough for a guest; a registered one is not theirs to take."""
        guest = await self.send_form("/sign-in", **{"as": "guest", "name": "bob", "next": "/chat/lobby"})
        assert (guest.status, guest.headers["Location"]) == (303, "/chat/lobby")
        assert (await self.who(cookie_of(guest)))["user"]["name"] == "bob"
        await self.send_form("/register", name="ann", password=PASSWORD)
        taken = await self.send_form("/sign-in", **{"as": "guest", "name": "ann"})
        assert taken.status == 409
        assert "belongs to somebody" in taken.body.decode()

    @gen_test
    async def test_names_are_text_in_the_page(self) -> None:
        """What was typed stands in the page as text, whatever it is."""
        answer = await self.send_form("/sign-in", name='"><script>alert(1)</script>', password="x")
        page = answer.body.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>" not in page

    @gen_test
    async def test_signing_out(self) -> None:
        """A form ends the session, on the server too; who is signed in is offered that instead of the forms."""
        cookie = cookie_of(await self.send_form("/register", name="ann", password=PASSWORD))
        page = (await self.call("GET", "/sign-in", headers={"Cookie": cookie})).body.decode()
        assert 'action="/sign-out"' in page and 'name="password"' not in page
        answer = await self.send_form("/sign-out", cookie)
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        again = await self.call("GET", "/api/session", headers={"Cookie": cookie})
        assert again.status == 401

    @gen_test
    async def test_ones_account_needs_one(self) -> None:
        """The page of the account is for those who have one; others are led to the sign-in, and back after it."""
        answer = await self.call("GET", "/account")
        assert (answer.status, answer.headers["Location"]) == (302, "/sign-in?next=/account")
        cookie = cookie_of(await self.send_form("/register", name="ann", password=PASSWORD))
        assert (await self.call("GET", "/account", headers={"Cookie": cookie})).status == 200

    @gen_test
    async def test_the_first_administrator(self) -> None:
        """The one-time link makes the administrator's account, once; then the page is gone."""
        token = await self.chat.identity.entrance.open_setup()
        assert (await self.call("GET", f"/setup?token={token}")).status == 200
        wrong = await self.send_form("/setup", token="wrong", name="root", password=PASSWORD)
        assert wrong.status == 401
        assert "The link is wrong" in wrong.body.decode()
        right = await self.send_form("/setup", token=token, name="root", password=PASSWORD)
        assert (right.status, right.headers["Location"]) == (303, "/admin")
        assert (await self.who(cookie_of(right)))["account"]["admin"] is True
        assert (await self.call("GET", f"/setup?token={token}")).status == 404
        assert (await self.send_form("/setup", token=token, name="other", password=PASSWORD)).status == 404

    @gen_test
    async def test_a_field_that_is_not_text(self) -> None:
        """Bytes that are no UTF-8 are an error page."""
        answer = await self.call(
            "POST", "/sign-in", b"name=%ff", headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert answer.status == 400
        assert answer.headers["Content-Type"].startswith("text/html")


class InvitationFormTest(FormCase):
    async def invitation(self, title: str = "The Garden") -> tuple[str, str]:
        """A new private room, and the token of an invitation to it for one person."""
        owner = await self.account("owner")
        room = (await self.call("POST", "/api/rooms", {"title": title, "access": "private"}, token=owner)).body["name"]
        made = await self.call("POST", f"/api/rooms/{room}/invitations", {"uses": 1}, token=owner)
        return room, made.body["token"]

    @gen_test
    async def test_joining(self) -> None:
        """The page names the room; its one button makes a member and leads into the room; then it is used up."""
        room, token = await self.invitation()
        cookie = cookie_of(await self.send_form("/register", name="ann", password=PASSWORD))
        page = (await self.call("GET", f"/join/{token}", headers={"Cookie": cookie})).body.decode()
        assert "The Garden" in page and "ann" in page
        joined = await self.send_form(f"/join/{token}", cookie)
        assert (joined.status, joined.headers["Location"]) == (303, f"/chat/{room}")
        facts = (await self.call("GET", f"/api/rooms/{room}", headers={"Cookie": cookie})).body
        assert facts["role"] == "member"
        assert (await self.call("GET", f"/join/{token}")).status == 404

    @gen_test
    async def test_who_is_not_signed_in_does_that_first(self) -> None:
        """A stranger is shown the room and the way to the sign-in, which leads back; a guest is told what is needed."""
        _, token = await self.invitation()
        page = (await self.call("GET", f"/join/{token}")).body.decode()
        assert f"/sign-in?next=%2Fjoin%2F{token}" in page and "<form" not in page
        assert (await self.send_form(f"/join/{token}")).status == 401
        cookie = cookie_of(await self.send_form("/sign-in", **{"as": "guest", "name": "bob"}))
        refused = await self.send_form(f"/join/{token}", cookie)
        assert refused.status == 403
        assert "An account is needed for this room" in refused.body.decode()

    @gen_test
    async def test_what_is_no_invitation(self) -> None:
        """A link that lets nobody in is a page that says so, whatever is wrong with it."""
        answer = await self.call("GET", "/join/wrong")
        assert answer.status == 404
        assert "This invitation is wrong, used up, too old or taken back." in answer.body.decode()
        assert (await self.send_form("/join/wrong")).status in (401, 404)

    @gen_test
    async def test_a_link_that_was_copied(self) -> None:
        """The lobby's box takes the whole link, or the last part of it."""
        for link, place in (
            ("https://chat.example.org/join/abc", "/join/abc"),
            (" /join/abc/ ", "/join/abc"),
            ("abc", "/join/abc"),
            ("https://evil.example/a%2Fb\\c", "/join/a%252Fb%5Cc"),
            ("", "/"),
        ):
            answer = await self.call("GET", "/join?" + urlencode({"link": link}))
            assert (answer.status, answer.headers["Location"]) == (302, place)


class SettingsPagesTest(FormCase):
    @gen_test
    async def test_the_settings_of_a_room(self) -> None:
        """The page bears a title only for those who may know of the room; for others it is as if there were none."""
        owner = await self.account("owner")
        wanted = {"title": "The Garden", "access": "private"}
        room = (await self.call("POST", "/api/rooms", wanted, token=owner)).body["name"]
        mine = await self.call("GET", f"/chat/{room}/settings", token=owner)
        assert "The Garden" in mine.body.decode()
        bob = self.token("bob")
        for path in (f"/chat/{room}", f"/chat/{room}/settings"):
            page = await self.call("GET", path, token=bob)
            assert page.status == 200
            assert "Garden" not in page.body.decode()
        assert (await self.call("GET", "/chat/a%20b/settings")).status == 404

    @gen_test
    async def test_the_administration(self) -> None:
        """Administrators see the page; others with an account are told that it is not theirs, strangers sign in."""
        answer = await self.call("GET", "/admin")
        assert (answer.status, answer.headers["Location"]) == (302, "/sign-in?next=/admin")
        assert (await self.call("GET", "/admin", token=self.token("bob"))).status == 302
        assert (await self.call("GET", "/admin", token=await self.account("ann"))).status == 403
        assert (await self.call("GET", "/admin", token=await self.account("root", admin=True))).status == 200


class ClosedDoorTest(FormCase):
    settings: ClassVar[dict[str, Any]] = {"guests": "no", "registration": "no"}

    @gen_test
    async def test_strangers_are_led_to_the_door(self) -> None:
        """Where guests are not let in the pages lead to the sign-in, and it leads back; accounts see them."""
        for path in ("/", "/chat/lobby?transport=poll", "/chat/lobby/settings", "/pair"):
            answer = await self.call("GET", path)
            assert (answer.status, answer.headers["Location"]) == (302, "/sign-in?" + urlencode({"next": path}))
        assert (await self.call("GET", "/?username=bob")).status == 302
        token = await self.chat.identity.entrance.open_setup()
        made = await self.send_form("/setup", token=token, name="root", password=PASSWORD)
        for path in ("/", "/chat/lobby", "/pair"):
            assert (await self.call("GET", path, headers={"Cookie": cookie_of(made)})).status == 200

    @gen_test
    async def test_what_is_closed_is_not_offered(self) -> None:
        """Without guests and registration the pages do not offer them, and the forms are refused."""
        page = (await self.call("GET", "/sign-in")).body.decode()
        assert 'name="password"' in page
        assert "guest" not in page and "/register" not in page
        page = (await self.call("GET", "/register")).body.decode()
        assert "nobody can register" in page and "<form" not in page
        assert (await self.send_form("/register", name="ann", password=PASSWORD)).status == 403
        assert (await self.send_form("/sign-in", **{"as": "guest", "name": "bob"})).status == 403
