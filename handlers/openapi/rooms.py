"""The calls about rooms: what they are like, who belongs to them, and what is said there."""

from typing import Annotated, Literal

from msgspec import Meta

from chat.directory import RoomInfo
from chat.invitations import NewInvitation
from chat.protocol import SEQ_LIMIT, Ack, AnyPairing, Delete, Edit, Passing, React, Send
from chat.rooms import NewRoom, NewSettings, RoomFacts
from handlers.direct import NewDirect
from handlers.members import Standing
from handlers.openapi.answers import (
    BoardPicture,
    DirectRoom,
    FreshInvitation,
    InvitationList,
    InvitedTo,
    Joined,
    MemberList,
    News,
    Page,
    PairingState,
    RoomList,
    Sent,
)
from handlers.openapi.calls import Body, Call, Media, Query

Positive = Annotated[int, Meta(ge=1)]
Whole = Annotated[int, Meta(ge=0)]
Cursor = Annotated[int, Meta(ge=0, le=SEQ_LIMIT)]
PollCursor = Annotated[int, Meta(ge=-1, le=SEQ_LIMIT)]

WAIT = Query("wait", Whole, "Seconds to wait for something new.")
EVENTS = Media(("text/event-stream",), "Events, each of which has a JSON object as on the socket; they do not end")


ROOM = Query("room", list[str], "The rooms, each once.", required=True)
AFTER = "For each room the cursor: the last `seq` that is known."
EPOCH = Query("epoch", list[str], "For each room the epoch of the cursor.")


ROOMS = (
    Call(
        "GET",
        "/api/rooms",
        "The rooms that one may see",
        "anybody",
        {200: RoomList},
        query=(
            Query("limit", Positive, "How many at most."),
            Query("after", Whole, "A version of the list, to wait for another."),
            WAIT,
        ),
    ),
    Call("POST", "/api/rooms", "Make a room", "somebody", {201: RoomInfo}, Body(NewRoom)),
    Call("GET", "/api/rooms/{room}", "What a room is like", "anybody", {200: RoomFacts}),
    Call("PATCH", "/api/rooms/{room}", "Change a room's settings", "somebody", {200: RoomFacts}, Body(NewSettings)),
    Call("DELETE", "/api/rooms/{room}", "Delete a room", "somebody", {204: None}),
)

MEMBERS = (
    Call("GET", "/api/rooms/{room}/members", "Who belongs to a room", "anybody", {200: MemberList}),
    Call(
        "PUT",
        "/api/rooms/{room}/members/{who}",
        "Let somebody in, or give them another role",
        "somebody",
        {204: None},
        Body(Standing),
        description="`who` is the id of a member or an account, or an account's name.",
    ),
    Call(
        "DELETE",
        "/api/rooms/{room}/members/{who}",
        "Put a member out, or leave",
        "somebody",
        {204: None},
        description="One's own id means leaving.",
    ),
    Call("GET", "/api/rooms/{room}/invitations", "The open invitations", "somebody", {200: InvitationList}),
    Call(
        "POST",
        "/api/rooms/{room}/invitations",
        "Make an invitation",
        "somebody",
        {201: FreshInvitation},
        Body(NewInvitation),
    ),
    Call("DELETE", "/api/rooms/{room}/invitations/{id}", "Revoke an invitation", "somebody", {204: None}),
    Call(
        "GET",
        "/api/invitations/{token}",
        "Where an invitation leads",
        "nobody",
        {200: InvitedTo},
        errors=("rate_limited",),
    ),
    Call("POST", "/api/invitations/{token}", "Accept an invitation", "somebody", {200: Joined}),
    Call(
        "POST",
        "/api/direct",
        "Begin or find a direct conversation",
        "somebody",
        {200: DirectRoom, 201: DirectRoom},
        Body(NewDirect),
        errors=("not_found",),
    ),
)

MESSAGES = (
    Call(
        "GET",
        "/api/rooms/{room}/messages",
        "A page of history",
        "anybody",
        {200: Page},
        query=(
            Query("before", Positive, "The messages before this `seq`; without it the last ones."),
            Query("limit", Positive, "How many at most."),
            Query("without", list[str], "Kinds of messages to leave out."),
        ),
    ),
    Call("GET", "/api/rooms/{room}/board", "What has been drawn in a room", "anybody", {200: BoardPicture}),
    Call(
        "POST",
        "/api/rooms/{room}/messages",
        "Send a message",
        "somebody",
        {200: Sent, 201: Sent},
        Body(Send, without=("type", "room"), name="NewMessage"),
        description="A key that the room has seen is answered with 200 and what was stored then.",
    ),
    Call(
        "POST",
        "/api/rooms/{room}/commands",
        "Change or tell something",
        "somebody",
        {200: Ack, 204: None},
        Body(Send | Edit | Delete | React | Passing, without=("room",), name="Command"),
        description="What a socket's client says in a frame. `typing`, `read` and `signal` are answered with 204.",
    ),
    Call(
        "GET",
        "/api/poll",
        "Wait for what comes next",
        "somebody",
        {200: News},
        query=(
            ROOM,
            Query("after", list[PollCursor], f"{AFTER} -1 answers at once with the log's end.", required=True),
            EPOCH,
            WAIT,
            Query("members", Literal["0", "1"], "1 tells who is there as well."),
        ),
        errors=("not_found",),
    ),
    Call(
        "GET",
        "/api/stream",
        "Follow rooms as server-sent events",
        "somebody",
        {200: EVENTS},
        query=(
            ROOM,
            Query("after", list[Cursor], AFTER),
            EPOCH,
            Query("history", Whole, "Without `after`: the messages to begin with."),
            Query("Last-Event-ID", str, "The cursors, with commas, as browsers send them.", header=True),
        ),
        errors=("not_found",),
    ),
)

PAIRING = (
    Call(
        "GET",
        "/api/pairing",
        "What one was told last by chat roulette",
        "somebody",
        {200: PairingState},
        query=(Query("told", Whole, "What is known, to wait for more."), WAIT),
    ),
    Call(
        "POST",
        "/api/pairing",
        "Take part in chat roulette",
        "somebody",
        {200: PairingState},
        Body(AnyPairing, name="PairingCommand"),
        errors=("not_found",),
    ),
)
