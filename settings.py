"""Every setting of Parley, with its default and its reason. Where they are read from is in configuration.py.

Sizes are bytes, times are seconds, unless a description says otherwise.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

# Their values are never shown, not even when they are wrong.
SECRETS = frozenset({"openid_client_secret"})

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]
Whole = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
# So many a second in the long run / so many at once; neither may be 0.
Rate = Annotated[str, Meta(pattern=r"^(?=[0-9.]*[1-9])[0-9]+(\.[0-9]+)?/[1-9][0-9]*\Z")]


class SettingsError(Exception):
    """A setting is unknown or has a value that does not fit; the message is one line for the user."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one run."""

    # Where it is reached
    address: Annotated[str, "address to listen on; the default lets in only this machine"] = "127.0.0.1"
    port: Annotated[Port, "port to listen on; 0 takes a free one"] = 8888

    # Who may reach it. Lists have commas
    hosts: Annotated[
        str, "names it is reached by, or * for any; addresses, localhost and this machine's own name always are"
    ] = ""
    origins: Annotated[
        str, "other sites whose pages may open sockets, read and write here, like https://www.example.org"
    ] = ""
    embed_origins: Annotated[
        str, "sites that may show the support desk's widget in their pages, like https://www.example.org"
    ] = ""
    trusted_proxies: Annotated[
        str, "addresses or ranges of the proxies whose X-Forwarded-For, -Proto and -Host are believed"
    ] = ""
    metrics_from: Annotated[str, "addresses or ranges that may read /metrics"] = "127.0.0.0/8,::1"
    tls_cert: Annotated[str, "PEM file of the certificate and its chain: serves https; SIGHUP reads it anew"] = ""
    tls_key: Annotated[str, "PEM file of the certificate's key, if that is not in the same file"] = ""
    hsts: Annotated[Whole, "days for which browsers that came by https are to use nothing else; 0 leaves them free"] = (
        365
    )

    # Patience with slow clients, who hold a file each
    header_limit: Annotated[Count, "size of a request's head; a poll names up to 100 rooms in its address"] = 64 * 1024
    header_timeout: Annotated[
        Positive, "for the head of a request, the handshake of TLS included; a phone with two bars takes 5"
    ] = 15
    body_timeout: Annotated[Positive, "for a body to be read; the largest, at 150 KB a second"] = 30
    idle_timeout: Annotated[
        Positive, "between two requests of a connection; above the 60 after which proxies drop theirs"
    ] = 75
    answer_timeout: Annotated[Positive, "for a client to take an answer; the largest, half a MiB, at 4 KB a second"] = (
        120
    )

    # Where it keeps things
    data: Annotated[str, "folder of the private MongoDB"] = "data"
    mongo: Annotated[str, "mongodb:// address of an existing MongoDB, instead of the private one"] = ""
    database: Annotated[str, "name of the database"] = "parley"
    mongod_cache: Annotated[
        Positive, "GiB of cache for the private MongoDB; a chat reads mostly its newest entries"
    ] = 0.25
    log_level: Annotated[Literal["debug", "info", "warning", "error"], "how much is logged"] = "info"
    log_format: Annotated[
        Literal["auto", "plain", "json"], "lines of JSON, or plain ones; auto: plain on a terminal, else JSON"
    ] = "auto"
    access_log: Annotated[
        Literal["no", "yes"], "a line for each request; no: a hundred people who poll make 500 a minute"
    ] = "no"

    message_log: Annotated[
        Literal["no", "yes"],
        "a line for each entry that is stored: who, where, how long, never what; no: it "
        "says of everybody whom they talk with and when",
    ] = "no"

    # What one message may be
    text_limit: Annotated[Count, "characters of a text; longer ones are documents, not messages"] = 4_000
    message_limit: Annotated[Count, "size of one message, its JSON included"] = 64 * 1024
    frame_limit: Annotated[
        Count, "size up to which an oversized message is read to be refused; above it the connection is cut"
    ] = 4 * 1024 * 1024
    signal_limit: Annotated[Count, "size of the data of a signal; it passes, and up to 200 people are sent it"] = 1_024
    reaction_limit: Annotated[Count, "reactions on one message; keeps one message's state well below a MiB"] = 1_000

    # How much is kept at hand and answered at once
    recent: Annotated[Count, "entries of an awake room in memory; a reconnect rarely misses more"] = 200
    history: Annotated[Whole, "messages a newcomer is shown; a few screens"] = 50
    page_limit: Annotated[Count, "messages in one page of history at most"] = 200
    catch_up: Annotated[Count, "entries in one catch-up; what was missed before is told as a gap"] = 1_000
    catch_up_bytes: Annotated[
        Count,
        "size of one catch-up; half of backlog_limit, so that an answer alone never makes a client slow",
    ] = 512 * 1024
    room_idle: Annotated[Seconds, "how long a room nobody is in stays in memory"] = 300
    rooms_limit: Annotated[Count, "rooms in one list at most"] = 1_000

    # Rooms and their people
    rooms_per_person: Annotated[Count, "rooms one person may own"] = 100
    memberships_limit: Annotated[
        Count, "rooms one person may belong to; their list is made anew while they look at it"
    ] = 500
    members_limit: Annotated[
        Count, "people who belong to one room; they are stored with it, and all of them with each change"
    ] = 1_000
    invitations_limit: Annotated[
        Count, "invitations to one room that are open at once; a list to be looked through"
    ] = 50
    invitation_hours: Annotated[
        Count, "how many hours an invitation holds at most, unless it has no end; who needs more wants no end"
    ] = 8_760
    slow_limit: Annotated[Count, "between two messages of one person in slow mode at most; a quarter of a day"] = 21_600
    ephemeral_grace: Annotated[
        Seconds, "how long an ephemeral room outlives the last one in it; a reload, a tunnel, a restart of the server"
    ] = 30
    watch_interval: Annotated[Positive, "between looks for ephemeral rooms that are empty"] = 1
    forget_interval: Annotated[
        Positive, "between looks for entries that are older than their room keeps them; they are kept for days"
    ] = 60

    # Drawing boards
    board_strokes: Annotated[
        Count, "strokes after which what the picture needs is stored, and the log gives up the rest; 2 MB, one second"
    ] = 5_000
    board_entries: Annotated[
        Count, "the same for entries, as a stroke may be long; a late comer waits for their reading"
    ] = 25_000
    board_size: Annotated[
        Count, "bytes of one board's picture; what a late comer is sent, and no more is drawn then"
    ] = 16 * 1024 * 1024
    boards_at_hand: Annotated[Count, "pictures in memory at once; others are read anew when somebody comes"] = 32

    # Clients
    rooms_per_client: Annotated[Count, "rooms one connection may be in"] = 100
    in_hand: Annotated[Count, "commands of one connection under way at once; others are refused meanwhile"] = 1_000
    in_hand_bytes: Annotated[
        Count, "size of the commands of one connection under way at once; as much as may wait the other way"
    ] = 1024 * 1024
    violations: Annotated[Count, "breaches of the contract in a row that close a connection"] = 20
    backlog_limit: Annotated[Count, "unsent bytes after which a client is too slow and is closed with 4008"] = (
        1024 * 1024
    )
    close_grace: Annotated[Seconds, "how long a slow client may take to read why it is closed"] = 30
    ping_interval: Annotated[
        Positive, "between pings; below the 30 to 60 after which proxies drop quiet connections"
    ] = 25
    ping_timeout: Annotated[Positive, "for a pong before a connection counts as lost"] = 20
    poll_wait: Annotated[Seconds, "how long a poll waits if it does not say"] = 25
    poll_wait_limit: Annotated[Seconds, "how long a poll may wait; proxies cut a silent request after 60"] = 60
    poll_linger: Annotated[
        Seconds, "how long a polling person stays present between two polls; a phone's round trip and a pause"
    ] = 10

    # The process, or several that share the rooms; what follows counts for each
    processes: Annotated[
        Count, "processes that share the rooms; one uses one core, and each needs some 100 MiB. See docs/scaling.md"
    ] = 1
    clients_limit: Annotated[Count, "connections of all transports; more are answered 503"] = 20_000
    clients_per_address: Annotated[
        Count, "connections from one address, as many may share one; leaves a quarter for all the others"
    ] = 15_000
    backlog_total: Annotated[
        Count, "unsent bytes of all clients together after which the slowest are closed, whatever each has waiting"
    ] = 256 * 1024 * 1024

    # People
    guests: Annotated[
        Literal["yes", "no", "read"], "what those without an account may do: all, nothing, or read; open is pleasant"
    ] = "yes"
    registration: Annotated[Literal["yes", "no"], "whether everybody may make an account"] = "yes"
    name_hold: Annotated[Seconds, "how long a guest's name stays theirs after their last connection"] = 60
    session_days: Annotated[Count, "days that a session's cookie and token are valid"] = 30
    sessions_limit: Annotated[Count, "sessions of one account; the oldest end. Far more than one person's devices"] = (
        100
    )
    sessions_at_hand: Annotated[
        Count, "sessions in memory, about 1 KiB each; more than clients_limit, so that no poll waits for MongoDB"
    ] = 50_000
    seen_interval: Annotated[Positive, "between two notes of when and where a session was last used"] = 300
    picture_limit: Annotated[Count, "size of a person's picture; 256 × 256 pixels are rarely more"] = 128 * 1024
    bots_limit: Annotated[Count, "bots of one account; more than one person looks after"] = 50
    bot_days: Annotated[Count, "days that a bot's token can be valid for at most"] = 366
    ended_guests: Annotated[
        Count, "guests who signed out that are remembered in memory until their tokens are too old; 150 bytes each"
    ] = 200_000

    # Secrets
    password_least: Annotated[Count, "characters of a password at least; NIST SP 800-63B asks for 8"] = 8
    password_most: Annotated[Count, "characters of a password at most; long enough for a sentence"] = 200
    password_threads: Annotated[Count, "passwords hashed at once; each takes 64 MiB and up to 4 cores"] = 2
    password_queue: Annotated[
        Count, "sign-ins that wait for their hash; more are answered `unavailable`. About 5 seconds of hashing"
    ] = 100
    attempts: Annotated[Count, "wrong passwords from one address, or for one name, within attempts_window"] = 10
    attempts_window: Annotated[Positive, "for which wrong passwords and other wrong secrets count"] = 180
    attempts_delay: Annotated[
        Seconds, "that the fourth wrong attempt makes the next one wait; each more twice as long, up to 2 seconds"
    ] = 0.1
    attempts_kept: Annotated[Count, "addresses and names in memory for which something was wrong; 500 bytes each"] = (
        20_000
    )
    presence_limit: Annotated[
        Count,
        "people in a room up to which each coming and going is told; beyond, it would cost more than the talk",
    ] = 200

    # Too much at once: `5/20` is five a second in the long run, and twenty at once. They protect the server from
    # programs; the nerves of people are protected by a room's slow mode.
    person_rate: Annotated[
        Rate, "messages, edits, deletions, reactions of one person; far above any hand, a tenth of what one core stores"
    ] = "500/10000"
    room_rate: Annotated[Rate, "the same in one room; about what one core stores"] = "5000/20000"
    address_rate: Annotated[Rate, "the same from one address; an office or a school may share one"] = "10000/50000"
    typing_rate: Annotated[Rate, "notes of typing and reading of one person; up to 200 people are told each"] = "20/200"
    signal_rate: Annotated[
        Rate, "signals of one person, like where they point on a board, which is ten a second; 200 people are told each"
    ] = "20/200"
    sign_in_rate: Annotated[Rate, "sign-ins from one address; as many at once as there may be clients"] = "200/20000"
    registration_rate: Annotated[
        Rate, "new accounts from one address; a class registers at once, a password costs 50 ms to hash"
    ] = "0.2/100"
    making_rate: Annotated[Rate, "new rooms of one person; each is stored for good"] = "1/100"
    making_address_rate: Annotated[Rate, "new rooms from one address, as a guest becomes another by a new name"] = (
        "50/20000"
    )
    report_rate: Annotated[Rate, "reports of one person; somebody is to read them"] = "0.05/20"
    report_address_rate: Annotated[Rate, "reports from one address"] = "0.5/100"
    picture_rate: Annotated[Rate, "new pictures of one person; each is checked and stored"] = "0.05/20"
    integration_rate: Annotated[
        Rate, "messages of one integration; a build that fails in a hundred places says so, and then people are to read"
    ] = "2/100"
    desk_rate: Annotated[
        Rate, "new conversations with a support desk from one address; a family, or an office that all ask at once"
    ] = "0.02/10"
    refusal_rate: Annotated[
        Rate, "commands of one person refused as too much, beyond which they are closed with 4429"
    ] = "100/10000"
    kick_time: Annotated[
        Positive, "how long one who was put out of a room stays out; polls and event streams would be back at once"
    ] = 10
    address_sanction: Annotated[
        Seconds, "how long a guest muted or banned in a room is so by their address too; others may come from there"
    ] = 3_600
    sanctions_limit: Annotated[Count, "mutes, and bans, in one room at once; they are part of its rules"] = 1_000
    open_reports: Annotated[Count, "reports that wait to be read; more are refused"] = 10_000
    banned_ranges: Annotated[Count, "ranges of addresses banned at once; all are kept in memory"] = 10_000

    # Support desks
    desks_limit: Annotated[Count, "support desks; all are in memory, and read again every few seconds"] = 100
    desk_open_limit: Annotated[
        Count, "conversations of one desk that are not closed; more than its agents answer in a day"
    ] = 1_000
    desk_linger: Annotated[
        Positive, "how long an agent counts as there after the last sign of it; a few times the 5 between two"
    ] = 30

    # For developers
    plugins: Annotated[str, "Python modules with functions for events, by commas; see docs/extending.md"] = ""
    event_limit: Annotated[
        Positive, "for one function of a plug-in; a message waits for it, and its sender for the message"
    ] = 2

    # Webhooks: other servers that are told of a room's entries
    webhooks_limit: Annotated[Count, "webhooks of one room; each entry is sent by each of them"] = 10
    integrations_limit: Annotated[Count, "integrations of one room; each is a name that people meet there"] = 20
    webhook_private: Annotated[
        Literal["no", "yes"], "whether webhooks may lead into private networks, and be without TLS; for one's own"
    ] = "no"
    webhook_timeout: Annotated[Positive, "for the answer to a webhook; the next entry of the room waits for it"] = 10
    webhook_concurrency: Annotated[Count, "webhooks under way at once; slow receivers take up places"] = 20
    webhook_tries: Annotated[
        Count, "for one entry, before it counts as not deliverable; with the pauses between, three quarters of an hour"
    ] = 10
    webhook_backoff: Annotated[Positive, "before a webhook is tried again; after each failure twice as long"] = 5
    webhook_backoff_limit: Annotated[Positive, "between two tries of a webhook at most"] = 3_600
    webhook_patience: Annotated[
        Seconds,
        "without one success, after which a webhook is paused; a receiver that is down over a weekend comes back",
    ] = 259_200
    webhook_letters: Annotated[
        Count, "entries that a webhook could not deliver, at which it is paused; somebody is to look through them"
    ] = 1_000
    webhook_lease: Annotated[
        Positive, "after which another process takes over a webhook from one that was killed; above webhook_timeout"
    ] = 30
    webhook_interval: Annotated[
        Positive, "between looks for what a killed process has left to be sent; one query for all rooms with webhooks"
    ] = 15

    # Chat roulette
    pair_patience: Annotated[
        Seconds, "after which one who named tags is paired with anybody; longer than that a stranger is better"
    ] = 10
    pair_grace: Annotated[
        Seconds, "how long one who lost the connection keeps partner and place; a reload, a tunnel"
    ] = 20

    # Sign-in with an OpenID provider
    openid_issuer: Annotated[str, "address of an OpenID provider to sign in with, or of its discovery document"] = ""
    openid_client_id: Annotated[str, "what the provider calls this server"] = ""
    openid_client_secret: Annotated[
        str, "what this server shows the provider; a variable or a file hides it from the list of processes"
    ] = ""
    openid_label: Annotated[str, "the provider's name, as the button and the messages have it"] = "OpenID"
    openid_scopes: Annotated[str, "what the provider is asked for; without profile it tells no names"] = (
        "openid profile email"
    )
    openid_accounts: Annotated[
        Literal["yes", "no"], "whether a first sign-in makes an account; no lets in only accounts linked before"
    ] = "yes"
    openid_flow: Annotated[
        Count, "seconds a sign-in at the provider may take; a forgotten password and a code by mail fit in"
    ] = 900
    openid_timeout: Annotated[
        Positive, "for one answer of the provider; a person waits for two or three of them in turn"
    ] = 5
    openid_body_limit: Annotated[Count, "size of one answer of the provider; real ones have some ten KiB"] = 256 * 1024
    openid_keep: Annotated[
        Positive, "how long what the provider publishes is kept; a key it has withdrawn is believed as long"
    ] = 3600
    openid_interval: Annotated[
        Seconds, "between two tries to fetch what the provider publishes, after a failure or for a key not known"
    ] = 10
    openid_leeway: Annotated[Whole, "seconds by which the provider's clock may differ"] = 60

    # MongoDB
    mongo_timeout: Annotated[
        Positive, "for one operation of MongoDB; with a wait in the queue it stays below send_timeout"
    ] = 2
    send_timeout: Annotated[
        Positive, "for a change to be stored before its sender is told `unavailable`; nobody is to wait for 3 seconds"
    ] = 2.2
    queue_limit: Annotated[
        Count, "changes waiting to be stored, for all rooms; more are refused with `unavailable`"
    ] = 10_000
    commit_limit: Annotated[Count, "changes stored by one insert; about 10 ms of MongoDB's time"] = 1_000
    heal_interval: Annotated[Positive, "between tries to reach a MongoDB that has gone away"] = 0.5

    # Stopping
    stop_timeout: Annotated[Positive, "for the batch under way and the last answers when the server stops"] = 1.5


def listed(value: str) -> list[str]:
    """The parts of a setting that is a list."""
    return [part for part in (each.strip() for each in value.split(",")) if part]
