"""The calls about webhooks and integrations."""

from typing import Annotated

from msgspec import Meta

from chat.integrations import NewIntegration
from chat.webhooks import NewWebhook, WebhookChange
from handlers.openapi.answers import (
    FreshIntegration,
    FreshWebhook,
    Hooked,
    IntegrationList,
    LetterList,
    Sent,
    WebhookFacts,
    WebhookList,
)
from handlers.openapi.calls import Body, Call, Query

HOOKS = (
    Call("GET", "/api/rooms/{room}/webhooks", "Who else is told of a room's entries", "account", {200: WebhookList}),
    Call(
        "POST",
        "/api/rooms/{room}/webhooks",
        "Have a room's new entries sent to another server",
        "account",
        {201: FreshWebhook},
        Body(NewWebhook),
        description="The secret signs each delivery, and is not shown again.",
    ),
    Call(
        "PATCH",
        "/api/rooms/{room}/webhooks/{id}",
        "Pause a webhook, or let it go on",
        "account",
        {200: WebhookFacts},
        Body(WebhookChange),
    ),
    Call("DELETE", "/api/rooms/{room}/webhooks/{id}", "Remove a webhook", "account", {204: None}),
    Call(
        "GET",
        "/api/rooms/{room}/webhooks/{id}/letters",
        "The entries that could not be delivered",
        "account",
        {200: LetterList},
    ),
    Call(
        "POST",
        "/api/rooms/{room}/webhooks/{id}/letters/{seq}",
        "Send such an entry again, at once",
        "account",
        {204: None},
    ),
    Call("DELETE", "/api/rooms/{room}/webhooks/{id}/letters/{seq}", "Give such an entry up", "account", {204: None}),
    Call(
        "GET", "/api/rooms/{room}/integrations", "The programs that write in a room", "account", {200: IntegrationList}
    ),
    Call(
        "POST",
        "/api/rooms/{room}/integrations",
        "Make a secret address for a program that is to write in a room",
        "account",
        {201: FreshIntegration},
        Body(NewIntegration),
    ),
    Call("DELETE", "/api/rooms/{room}/integrations/{id}", "Revoke such an address", "account", {204: None}),
    Call(
        "POST",
        "/api/hooks/{token}",
        "Say something by a secret address",
        "nobody",
        {200: Sent, 201: Sent},
        Body(Hooked),
        query=(
            Query(
                "Idempotency-Key",
                Annotated[str, Meta(max_length=200)],
                "The same one again is answered with the message of then, like `key`.",
                header=True,
            ),
        ),
        errors=("rate_limited", "name_taken"),
        description="Also takes a form whose field `payload` holds the JSON. Fields that it does not know are ignored.",
    ),
)
