"""A small web site of somebody else, which shows a desk's widget in its pages."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class ForeignSite:
    """Serves the same page, with the widget of a server, at every address; at /bare without it.

    It goes by `localhost`, and so is another site than the server, which goes by 127.0.0.1.
    """

    def __init__(self) -> None:
        site = self
        self.tag = ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.page(self.path).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://localhost:{self._server.server_port}"

    @property
    def other_address(self) -> str:
        """The same pages at an origin of which nobody has said that it may show the widget."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def shows(self, server: str, desk: str, **data: str) -> None:
        """From now on its pages have the widget of that desk."""
        more = "".join(f' data-{name}="{value}"' for name, value in data.items())
        self.tag = f'<script src="{server}/widget.js" data-desk="{desk}"{more} async></script>'

    def page(self, path: str) -> str:
        return (
            '<!DOCTYPE html><html lang="en"><head><title>A shop</title>'
            '<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f"</head><body><h1>Page {path}</h1><button>Buy</button>{self.tag}</body></html>"
        )
