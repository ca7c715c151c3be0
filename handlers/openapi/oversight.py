"""The calls of moderators and administrators, and those about the server itself."""

from typing import Annotated, Literal

from msgspec import Meta

from chat.administration import Decree, NewRange
from chat.moderation import ModerationFacts, Ruling
from chat.reports import Closing, NewReport
from chat.staff import StaffMessage
from handlers.openapi.answers import (
    AccountPage,
    AuditPage,
    Health,
    LiveFigures,
    Made,
    RangeList,
    ReportPage,
    RoomPage,
    Sent,
    Told,
    Trouble,
)
from handlers.openapi.calls import Body, Call, Media, Query

LIMIT = Query("limit", Annotated[int, Meta(ge=1)], "How many at most.")
STATE = Query("state", Literal["open", "closed"], "Which reports; the open ones unless it says otherwise.")
LATER = Query("before", str, "The id of the last one of the page before.")
AFTER = Query("after", str, "The name of the last one of the page before.")

MODERATION = (
    Call("GET", "/api/rooms/{room}/moderation", "Mutes, bans and latest acts", "somebody", {200: ModerationFacts}),
    Call("POST", "/api/rooms/{room}/moderation", "Moderate", "somebody", {204: None}, Body(Ruling)),
    Call("POST", "/api/rooms/{room}/staff", "A staff message to a room", "somebody", {201: Sent}, Body(StaffMessage)),
    Call(
        "GET",
        "/api/rooms/{room}/reports",
        "What was reported in a room",
        "somebody",
        {200: ReportPage},
        query=(STATE, LATER, LIMIT),
    ),
    Call("POST", "/api/rooms/{room}/reports", "Report a message", "somebody", {201: Made}, Body(NewReport)),
    Call("POST", "/api/rooms/{room}/reports/{id}", "Close a report", "somebody", {204: None}, Body(Closing)),
)

ADMINISTRATION = (
    Call(
        "GET",
        "/api/admin/people",
        "The accounts",
        "somebody",
        {200: AccountPage},
        query=(Query("find", str, "In a name; or an id, or an e-mail address."), AFTER, LIMIT),
    ),
    Call("POST", "/api/admin/people/{id}", "Do something to an account", "somebody", {204: None}, Body(Decree)),
    Call("GET", "/api/admin/addresses", "The banned addresses", "somebody", {200: RangeList}),
    Call("POST", "/api/admin/addresses", "Ban addresses", "somebody", {204: None}, Body(NewRange)),
    Call(
        "DELETE",
        "/api/admin/addresses/{range}",
        "Lift the ban of addresses",
        "somebody",
        {204: None},
        errors=("bad_request",),
    ),
    Call("POST", "/api/admin/staff", "A staff message to the rooms in use", "account", {200: Told}, Body(StaffMessage)),
    Call(
        "GET",
        "/api/admin/rooms",
        "All rooms",
        "somebody",
        {200: RoomPage},
        query=(Query("find", str, "In a name."), AFTER, LIMIT),
    ),
    Call("GET", "/api/admin/reports", "What was reported", "somebody", {200: ReportPage}, query=(STATE, LATER, LIMIT)),
    Call("POST", "/api/admin/reports/{id}", "Close a report", "somebody", {204: None}, Body(Closing)),
    Call(
        "GET",
        "/api/admin/audit",
        "The audit log",
        "somebody",
        {200: AuditPage},
        query=(Query("before", Annotated[int, Meta(ge=1)], "The id of the last act of the page before."), LIMIT),
    ),
    Call("GET", "/api/admin/figures", "The figures of the last minutes", "somebody", {200: LiveFigures}),
)

SERVER = (
    Call("GET", "/healthz", "Whether it serves", "nobody", {200: Health, 503: Trouble}),
    Call(
        "GET",
        "/metrics",
        "Its figures for Prometheus",
        "nobody",
        {200: Media(("text/plain",), "The figures")},
        errors=("not_found",),
        description="For the addresses of `--metrics-from` alone.",
    ),
    Call(
        "GET",
        "/api/openapi.json",
        "This document",
        "nobody",
        {200: Media(("application/json",), "An OpenAPI document, version 3.1")},
    ),
)
