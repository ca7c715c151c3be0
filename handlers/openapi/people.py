"""The calls about people: sessions, accounts, bots, profiles, and how one comes in."""

from chat.entrance import SignedIn
from chat.profiles import ProfileChange
from chat.workshop import WantedBot
from handlers.account import Deletion, NewPassword, Registration
from handlers.openapi.answers import (
    NewToken,
    OwnAccount,
    Present,
    Profile,
    ProfileList,
    ProviderList,
    SessionList,
    TokenList,
)
from handlers.openapi.calls import Body, Call, Media, Query
from handlers.session import SignIn
from handlers.setup import Setup

PICTURE = Media(("image/png", "image/jpeg", "image/webp"), "The picture")
ONWARD = Media((), "On to the page that the header `Location` names")

SESSION = (
    Call(
        "POST",
        "/api/session",
        "Sign in",
        "anybody",
        {200: SignedIn},
        Body(SignIn),
        description="As a guest, or with a password to an account. The answer sets the session's cookie; its token is "
        "the same session for programs.",
    ),
    Call("GET", "/api/session", "Who one is", "somebody", {200: Present}),
    Call("DELETE", "/api/session", "Sign out", "anybody", {204: None}),
)

ACCOUNT = (
    Call(
        "POST",
        "/api/account",
        "Register",
        "anybody",
        {201: SignedIn},
        Body(Registration),
        description="Makes an account and signs in to it; the answer sets the session's cookie.",
    ),
    Call("GET", "/api/account", "One's own account", "account", {200: OwnAccount}, errors=("not_found",)),
    Call(
        "PATCH",
        "/api/account",
        "Change one's account",
        "account",
        {200: OwnAccount},
        Body(ProfileChange),
        errors=("not_found",),
        description="What is not given stays as it is. `name` and `email` need the password. `picture` is a `data:` "
        "address of a PNG, JPEG or WebP in base64, or empty for none.",
    ),
    Call(
        "DELETE",
        "/api/account",
        "Delete one's account",
        "account",
        {204: None},
        Body(Deletion),
        description="Its messages stay, by a deleted account, or are deleted with it.",
    ),
    Call(
        "POST",
        "/api/account/password",
        "Change the password",
        "account",
        {204: None},
        Body(NewPassword),
        errors=("not_found",),
        description="All other sessions end.",
    ),
    Call(
        "DELETE",
        "/api/account/openid",
        "Unlink the account",
        "account",
        {204: None},
        errors=("forbidden", "not_found"),
        description="No sign-in with an OpenID provider leads into it any more; for an account with a password alone.",
    ),
    Call("GET", "/api/account/sessions", "One's sessions", "account", {200: SessionList}),
    Call("DELETE", "/api/account/sessions", "Sign out everywhere", "account", {204: None}),
    Call("DELETE", "/api/account/sessions/{id}", "End one session", "account", {204: None}),
    Call("GET", "/api/account/tokens", "One's bots", "account", {200: TokenList}),
    Call("POST", "/api/account/tokens", "Make a bot", "account", {201: NewToken}, Body(WantedBot)),
    Call("DELETE", "/api/account/tokens/{id}", "Remove a bot", "account", {204: None}),
)

PROFILES = (
    Call(
        "GET",
        "/api/people",
        "Several profiles at once",
        "somebody",
        {200: ProfileList},
        query=(Query("id", list[str], "Whose; those that are no accounts are left out."),),
    ),
    Call("GET", "/api/people/{id}", "Somebody's profile", "somebody", {200: Profile}),
    Call(
        "GET",
        "/api/people/{id}/picture",
        "Somebody's picture",
        "somebody",
        {200: PICTURE, 304: None},
        query=(Query("v", str, "The hash in the address of the picture: with the right one it may be kept for ever."),),
    ),
)

ENTRANCES = (
    Call(
        "POST",
        "/api/setup",
        "Make the first administrator",
        "nobody",
        {201: SignedIn},
        Body(Setup),
        errors=("unauthenticated", "name_taken", "rate_limited"),
        description="The token stands in the link that a server without an administrator prints when it starts.",
    ),
    Call("GET", "/api/openid", "The OpenID providers", "nobody", {200: ProviderList}),
    Call(
        "GET",
        "/api/openid/start",
        "Begin a sign-in with the provider",
        "anybody",
        {302: ONWARD},
        query=(
            Query("next", str, "The page to show after it."),
            Query("link", str, "1 links the caller's account to the provider."),
        ),
        errors=("not_found",),
        page=True,
    ),
    Call(
        "GET",
        "/api/openid/callback",
        "End a sign-in with the provider",
        "anybody",
        {302: ONWARD},
        query=(
            Query("code", str, "What the provider gave."),
            Query("state", str, "What it was given."),
            Query("iss", str, "Who it says it is."),
            Query("error", str, "Why it gave nothing."),
        ),
        errors=("not_found",),
        page=True,
    ),
)
