"""Where one is sent on: to pages of this server alone."""

# Characters of a path at most; a room's name, percent-encoded, has up to 768.
PATH_LIMIT = 1_000


def local_path(text: str, lobby: str) -> str:
    """The path of a page of this host; the lobby's for what is none, as others make up such links to send people away.

    Browsers take backslashes for slashes, and leave out line breaks and tabs (WHATWG URL, section 4.4).
    """
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_ours and len(text) <= PATH_LIMIT else lobby
