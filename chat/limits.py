"""The limits that clients meet; their values and reasons stand in settings.py."""

from typing import Literal

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes are bytes, times seconds; `text_limit` counts characters."""

    text_limit: int
    message_limit: int
    signal_limit: int
    frame_limit: int
    send_timeout: float
    history: int
    page_limit: int
    catch_up: int
    catch_up_bytes: int
    rooms_limit: int
    rooms_per_client: int
    in_hand: int
    in_hand_bytes: int
    violations: int
    backlog_limit: int
    close_grace: float
    ping_interval: float
    ping_timeout: float
    poll_wait: float
    poll_wait_limit: float
    poll_linger: float


class IdentityLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns accounts, sessions and passwords; times are seconds unless their names say days."""

    guests: Literal["yes", "no", "read"]
    registration: Literal["yes", "no"]
    openid_accounts: Literal["yes", "no"]
    session_days: int
    sessions_limit: int
    sessions_at_hand: int
    seen_interval: float
    ended_guests: int
    password_least: int
    password_most: int
    password_threads: int
    password_queue: int
    attempts: int
    attempts_window: float
    attempts_delay: float
    attempts_kept: int
    picture_limit: int
    bots_limit: int
    bot_days: int
    send_timeout: float


class RoomLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one person may have of rooms, and one room of people; `slow_limit` and times are seconds."""

    rooms_per_person: int
    memberships_limit: int
    members_limit: int
    invitations_limit: int
    invitation_hours: int
    slow_limit: int


class DeskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many support desks there are, how many open conversations one has, and how long (seconds) an agent counts as
    there."""

    desks_limit: int
    desk_open_limit: int
    desk_linger: float


class ModerationLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How far sanctions in a room go, and how many reports wait to be read; times are seconds."""

    kick_time: float
    address_sanction: float
    sanctions_limit: int
    open_reports: int


class BoardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much there may be of drawing boards; `board_size` is bytes."""

    board_strokes: int
    board_entries: int
    board_size: int
    boards_at_hand: int
