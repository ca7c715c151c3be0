"""The calls about support desks, and the conversations of their visitors."""

from typing import Annotated, Literal

from msgspec import Meta

from chat.conversations import Conversation, State
from chat.desk import Desk, DeskFacts, DeskSettings
from chat.support import Detailed, NewConversation, Opened, OwnConversation, Step
from handlers.openapi.answers import ConversationPage, DeskList
from handlers.openapi.calls import Body, Call, Media, Query

Positive = Annotated[int, Meta(ge=1)]
Whole = Annotated[int, Meta(ge=0)]
TRANSCRIPT = Media(("text/plain", "application/json"), "What was said, as a file; notes are not in it")

DESKS = (
    Call(
        "GET", "/api/desks", "The desks of which one is an agent; for administrators all", "somebody", {200: DeskList}
    ),
    Call("GET", "/api/desks/{desk}", "A desk as visitors see it", "nobody", {200: DeskFacts}),
    Call("DELETE", "/api/desks/{desk}", "Delete a desk with all its conversations", "somebody", {204: None}),
    Call("GET", "/api/desks/{desk}/settings", "A desk as its agents see it", "somebody", {200: Desk}),
    Call(
        "PUT",
        "/api/desks/{desk}/settings",
        "Make or change a desk",
        "somebody",
        {200: Desk, 201: Desk},
        Body(DeskSettings),
        description="For administrators. `agents` are ids or names of accounts.",
    ),
    Call(
        "GET",
        "/api/desks/{desk}/conversations",
        "The conversations of a desk in a state",
        "somebody",
        {200: ConversationPage},
        query=(
            Query("state", State, "Who waits longest comes first; of the others the latest.", required=True),
            Query("before", Whole, "Those since before this time."),
            Query("limit", Positive, "How many at most."),
        ),
    ),
    Call(
        "POST",
        "/api/desks/{desk}/conversations",
        "Begin a conversation, as a visitor",
        "nobody",
        {200: Opened, 201: Opened},
        Body(NewConversation),
        errors=("rate_limited",),
        description="A key that has begun one already is answered with 200, the same conversation and a new token.",
    ),
    Call("GET", "/api/conversations/{id}", "A conversation, as agents see it", "somebody", {200: Detailed}),
    Call(
        "GET",
        "/api/conversations/{id}/own",
        "A conversation, as its visitor sees it",
        "somebody",
        {200: OwnConversation},
    ),
    Call(
        "POST",
        "/api/conversations/{id}",
        "Take a conversation, hand it over, close it, or note something",
        "somebody",
        {200: Conversation},
        Body(Step),
    ),
    Call("DELETE", "/api/conversations/{id}", "Delete a conversation", "somebody", {204: None}),
    Call(
        "GET",
        "/api/conversations/{id}/transcript",
        "What was said",
        "somebody",
        {200: TRANSCRIPT},
        query=(Query("as", Literal["text", "json"], "In which form."),),
    ),
)
