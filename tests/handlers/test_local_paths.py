"""Where one may be sent on to."""

import pytest

from handlers.local_paths import PATH_LIMIT, local_path


@pytest.mark.parametrize("path", ["/", "/chat/lobby", "/chat/caf%C3%A9?transport=poll#end", "/account", "/x?y=//z"])
def test_pages_of_ours(path: str) -> None:
    """They come through as they are."""
    assert local_path(path, "/talk/") == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chat",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "https:/evil.example",
        " //evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=1",
        "/" + "x" * PATH_LIMIT,
    ],
)
def test_everything_else_leads_to_the_lobby(text: str) -> None:
    """Another server, whatever a browser may take for one, and what is no path at all."""
    assert local_path(text, "/talk/") == "/talk/"
