"""The addresses, and the application that serves them."""

from pathlib import Path
from typing import Any

from chat.chat import Chat
from handlers.account import AccountHandler, PasswordHandler
from handlers.account_sessions import OneSessionHandler, SessionsHandler
from handlers.account_tokens import OneTokenHandler, TokensHandler
from handlers.admin import (
    AddressesHandler,
    AddressHandler,
    AllReportsHandler,
    AllRoomsHandler,
    AnyReportHandler,
    AuditHandler,
    DecreeHandler,
    FiguresHandler,
    PeopleHandler,
)
from handlers.base import NotFoundHandler
from handlers.board import BoardHandler
from handlers.desks import (
    ConversationHandler,
    DeskSettingsHandler,
    DesksHandler,
    OneDeskHandler,
    OwnConversationHandler,
    QueueHandler,
    TranscriptHandler,
)
from handlers.direct import DirectHandler
from handlers.forms import InvitationPage, JoinPage, RegisterPage, SetupPage, SignInPage, SignOutPage
from handlers.health import HealthHandler
from handlers.identity import Sessions
from handlers.integrations import HookHandler, IntegrationHandler, IntegrationsHandler
from handlers.invitations import InvitationHandler, InvitationsHandler, JoinHandler
from handlers.members import MemberHandler, MembersHandler
from handlers.messages import CommandsHandler, MessagesHandler
from handlers.metrics import MetricsHandler
from handlers.moderation import ModerationHandler, ReportHandler, ReportsHandler
from handlers.openapi.handler import OpenApiHandler
from handlers.openid import OpenIdCallback, OpenIdStart, ProvidersHandler, UnlinkHandler
from handlers.openid_provider import CALLBACK, START, OpenId
from handlers.pages import (
    AccountPage,
    AdminPage,
    BoardPage,
    DeskPage,
    LobbyPage,
    NoPage,
    PairPage,
    RoomPage,
    RoomSettingsPage,
)
from handlers.pairing import PairingHandler
from handlers.people import PersonHandler, PictureHandler, ProfilesHandler
from handlers.poll import PollHandler
from handlers.room import RoomSettingsHandler
from handlers.rooms import RoomsHandler
from handlers.session import SessionHandler
from handlers.setup import SetupHandler
from handlers.site import Reach, Site
from handlers.socket import ChatSocket
from handlers.staff import StaffHandler, StaffToAllHandler
from handlers.static_files import StaticFiles, version_of
from handlers.stream import StreamHandler
from handlers.webhooks import DeadLetterHandler, DeadLettersHandler, WebhookHandler, WebhooksHandler
from handlers.widget import WidgetPage, WidgetScript

HERE = Path(__file__).resolve().parent.parent
STATIC = HERE / "static"
ROOM = "([^/]+)"


def application(chat: Chat, sessions: Sessions, reach: Reach, openid: OpenId) -> Site:
    """The web application of one server."""
    shared: dict[str, Any] = {"chat": chat, "sessions": sessions}
    return Site(
        [
            (r"/api/poll", PollHandler, shared),  # asked most often, so it is looked for first
            (r"/", LobbyPage, shared),
            (rf"/chat/{ROOM}", RoomPage, shared),
            (rf"/chat/{ROOM}/settings", RoomSettingsPage, shared),
            (rf"/board/{ROOM}", BoardPage, shared),
            (r"/pair", PairPage, shared),
            (r"/sign-in", SignInPage, shared),
            (r"/sign-out", SignOutPage, shared),
            (r"/register", RegisterPage, shared),
            (r"/setup", SetupPage, shared),
            (r"/account", AccountPage, shared),
            (r"/join", InvitationPage, shared),
            (r"/join/([^/]+)", JoinPage, shared),
            (r"/admin", AdminPage, shared),
            (r"/desk", DeskPage, shared),
            (r"/widget\.js", WidgetScript, {"path": str(HERE / "static" / "widget")}),
            (rf"/widget/{ROOM}", WidgetPage, shared),
            (rf"/ws(?:/{ROOM})?", ChatSocket, shared),
            (r"/api/session", SessionHandler, shared),
            (r"/api/account", AccountHandler, shared),
            (r"/api/account/password", PasswordHandler, shared),
            (r"/api/account/openid", UnlinkHandler, shared),
            (r"/api/account/sessions", SessionsHandler, shared),
            (rf"/api/account/sessions/{ROOM}", OneSessionHandler, shared),
            (r"/api/account/tokens", TokensHandler, shared),
            (rf"/api/account/tokens/{ROOM}", OneTokenHandler, shared),
            (r"/api/people", ProfilesHandler, shared),
            (rf"/api/people/{ROOM}", PersonHandler, shared),
            (rf"/api/people/{ROOM}/picture", PictureHandler, shared),
            (r"/api/setup", SetupHandler, shared),
            (r"/api/openid", ProvidersHandler, shared),
            (START, OpenIdStart, shared),
            (CALLBACK, OpenIdCallback, shared),
            (r"/api/pairing", PairingHandler, shared),
            (r"/api/rooms", RoomsHandler, shared),
            (rf"/api/rooms/{ROOM}", RoomSettingsHandler, shared),
            (rf"/api/rooms/{ROOM}/members", MembersHandler, shared),
            (rf"/api/rooms/{ROOM}/members/([^/]+)", MemberHandler, shared),
            (rf"/api/rooms/{ROOM}/invitations", InvitationsHandler, shared),
            (rf"/api/rooms/{ROOM}/invitations/([^/]+)", InvitationHandler, shared),
            (r"/api/invitations/([^/]+)", JoinHandler, shared),
            (r"/api/direct", DirectHandler, shared),
            (r"/api/desks", DesksHandler, shared),
            (rf"/api/desks/{ROOM}", OneDeskHandler, shared),
            (rf"/api/desks/{ROOM}/settings", DeskSettingsHandler, shared),
            (rf"/api/desks/{ROOM}/conversations", QueueHandler, shared),
            (rf"/api/conversations/{ROOM}", ConversationHandler, shared),
            (rf"/api/conversations/{ROOM}/own", OwnConversationHandler, shared),
            (rf"/api/conversations/{ROOM}/transcript", TranscriptHandler, shared),
            (rf"/api/rooms/{ROOM}/messages", MessagesHandler, shared),
            (rf"/api/rooms/{ROOM}/commands", CommandsHandler, shared),
            (rf"/api/rooms/{ROOM}/board", BoardHandler, shared),
            (rf"/api/rooms/{ROOM}/staff", StaffHandler, shared),
            (rf"/api/rooms/{ROOM}/moderation", ModerationHandler, shared),
            (rf"/api/rooms/{ROOM}/reports", ReportsHandler, shared),
            (rf"/api/rooms/{ROOM}/reports/([^/]+)", ReportHandler, shared),
            (rf"/api/rooms/{ROOM}/integrations", IntegrationsHandler, shared),
            (rf"/api/rooms/{ROOM}/integrations/([^/]+)", IntegrationHandler, shared),
            (r"/api/hooks/([^/]+)", HookHandler, shared),
            (rf"/api/rooms/{ROOM}/webhooks", WebhooksHandler, shared),
            (rf"/api/rooms/{ROOM}/webhooks/([^/]+)", WebhookHandler, shared),
            (rf"/api/rooms/{ROOM}/webhooks/([^/]+)/letters", DeadLettersHandler, shared),
            (rf"/api/rooms/{ROOM}/webhooks/([^/]+)/letters/([^/]+)", DeadLetterHandler, shared),
            (r"/api/admin/people", PeopleHandler, shared),
            (rf"/api/admin/people/{ROOM}", DecreeHandler, shared),
            (r"/api/admin/addresses", AddressesHandler, shared),
            (r"/api/admin/addresses/(.+)", AddressHandler, shared),
            (r"/api/admin/rooms", AllRoomsHandler, shared),
            (r"/api/admin/staff", StaffToAllHandler, shared),
            (r"/api/admin/reports", AllReportsHandler, shared),
            (rf"/api/admin/reports/{ROOM}", AnyReportHandler, shared),
            (r"/api/admin/audit", AuditHandler, shared),
            (r"/api/admin/figures", FiguresHandler, shared),
            (r"/api/stream", StreamHandler, shared),
            (r"/api/openapi\.json", OpenApiHandler, shared),
            (r"/api/.*", NotFoundHandler, shared),
            (r"/healthz", HealthHandler, shared),
            (r"/metrics", MetricsHandler, shared),
        ],
        shared,
        reach,
        openid=openid,
        default_handler_class=NoPage,
        template_path=HERE / "templates",
        static_path=STATIC,
        static_version=version_of(STATIC),
        static_handler_class=StaticFiles,
        websocket_max_message_size=chat.limits.frame_limit,
    )
