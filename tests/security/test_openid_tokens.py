"""What an OpenID provider answers is believed only if everything about it is right, one test a promise."""

from tornado.testing import ExpectLog, gen_test

from tests.openid_case import REFUSED, RefusedCase
from tests.openid_provider import Fault


class TokenTest(RefusedCase):
    """What the provider answers is believed only if everything about it is right."""

    async def refuses(self, fault: Fault, reason: str) -> None:
        """A sign-in with that fault fails for that reason; the same without it succeeds."""
        visitor = self.visitor()
        self.provider.fault = fault
        with ExpectLog("parley.openid", f".*{reason}", required=True):
            await self.check_refused(visitor, await visitor.sign_in(), 401, REFUSED)
        self.provider.fault = Fault.NONE
        assert (await visitor.sign_in()).status == 302
        assert (await visitor.session())["account"]["name"] == "ann"

    @gen_test
    async def test_a_token_for_another_sign_in(self) -> None:
        """An ID token with another nonce is refused."""
        await self.refuses(Fault.OTHER_NONCE, "its nonce is another's")

    @gen_test
    async def test_a_token_without_a_nonce(self) -> None:
        """An ID token without a nonce is refused."""
        await self.refuses(Fault.NO_NONCE, "missing_claim .*nonce")

    @gen_test
    async def test_a_token_for_another_client(self) -> None:
        """An ID token whose audience is another client is refused."""
        await self.refuses(Fault.OTHER_AUDIENCE, "invalid_claim .*aud")

    @gen_test
    async def test_a_token_for_many_clients(self) -> None:
        """An ID token for several clients that names none of them as the one who asked is refused."""
        await self.refuses(Fault.MANY_AUDIENCES, "it was made for another client")

    @gen_test
    async def test_a_token_that_another_client_asked_for(self) -> None:
        """An ID token whose authorized party is another client is refused."""
        await self.refuses(Fault.OTHER_PARTY, "it was made for another client")

    @gen_test
    async def test_a_token_of_another_issuer(self) -> None:
        """An ID token of another issuer is refused, whoever has signed it."""
        await self.refuses(Fault.OTHER_ISSUER, "invalid_claim .*iss")

    @gen_test
    async def test_a_token_whose_time_is_over(self) -> None:
        """An expired ID token is refused."""
        await self.refuses(Fault.EXPIRED, "expired_token")

    @gen_test
    async def test_a_token_for_ever(self) -> None:
        """An ID token without an expiry is refused."""
        await self.refuses(Fault.NO_EXPIRY, "missing_claim .*exp")

    @gen_test
    async def test_a_token_from_the_future(self) -> None:
        """An ID token that is made only in an hour is refused."""
        await self.refuses(Fault.FUTURE, "invalid_claim .*issued in the future")

    @gen_test
    async def test_a_token_about_nobody(self) -> None:
        """An ID token with an empty subject is refused."""
        await self.refuses(Fault.NO_SUBJECT, "invalid_claim .*sub")

    @gen_test
    async def test_a_token_with_an_endless_subject(self) -> None:
        """An ID token with a subject of more than 255 characters is refused."""
        await self.refuses(Fault.LONG_SUBJECT, "its subject is empty or too long")

    @gen_test
    async def test_a_token_that_nobody_has_signed(self) -> None:
        """An ID token with the algorithm "none" is refused."""
        await self.refuses(Fault.UNSIGNED, "its algorithm is 'none'")

    @gen_test
    async def test_a_token_that_was_changed(self) -> None:
        """An ID token whose claims are not those that were signed is refused."""
        await self.refuses(Fault.BAD_SIGNATURE, "bad_signature")

    @gen_test
    async def test_a_token_with_another_s_signature(self) -> None:
        """An ID token that names the provider's key and is signed with another is refused."""
        await self.refuses(Fault.FOREIGN_KEY, "bad_signature")

    @gen_test
    async def test_a_token_signed_with_the_client_s_secret(self) -> None:
        """An ID token with an HMAC by the client's secret is refused."""
        await self.refuses(Fault.SIGNED_WITH_SECRET, "its algorithm is 'HS256'")

    @gen_test
    async def test_a_token_signed_with_the_public_key(self) -> None:
        """An ID token with an HMAC by the provider's public key, which everybody has, is refused."""
        await self.refuses(Fault.SIGNED_WITH_PUBLIC_KEY, "its algorithm is 'HS256'")

    @gen_test
    async def test_a_token_signed_with_a_key_for_something_else(self) -> None:
        """An ID token signed with a key that is published for encryption is refused."""
        await self.refuses(Fault.KEY_FOR_ENCRYPTION, "it names no key that the provider publishes")

    @gen_test
    async def test_a_token_that_asks_for_what_we_do_not_know(self) -> None:
        """An ID token with a critical header that is not understood is refused."""
        await self.refuses(Fault.CRITICAL_HEADER, "unsupported_header|header")

    @gen_test
    async def test_a_token_that_is_none(self) -> None:
        """Something that is no token at all is refused."""
        await self.refuses(Fault.NONSENSE, "its header cannot be read")

    @gen_test
    async def test_names_that_are_somebody_else_s(self) -> None:
        """What the user-info endpoint tells counts for the subject of the ID token alone."""
        self.provider.names_in_token = False
        await self.refuses(Fault.OTHER_USER_INFO, "about somebody else")

    @gen_test
    async def test_an_answer_of_another_provider(self) -> None:
        """An answer that says it comes from another issuer is refused, and its code shown to nobody (RFC 9207)."""
        visitor = self.visitor()
        self.provider.fault = Fault.RETURNS_ANOTHER_ISSUER
        await self.check_refused(visitor, await visitor.sign_in(), 401, REFUSED)
        assert self.provider.asked["/token"] == 0
        self.provider.fault = Fault.NONE
        without = (await visitor.begin()).partition("&iss=")[0]
        await self.check_refused(visitor, await visitor.get(without), 401, REFUSED)
        assert self.provider.asked["/token"] == 0
        assert (await visitor.sign_in()).status == 302
        assert self.provider.asked["/token"] == 1
