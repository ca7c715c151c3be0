"""/metrics: the figures of the running server, for Prometheus."""

from prometheus_client import CONTENT_TYPE_LATEST
from tornado.web import HTTPError

from handlers.base import ApiHandler
from handlers.proxies import Ranges


class MetricsHandler(ApiHandler):
    """For the addresses of `--metrics-from`; for others there is no such page."""

    def get(self) -> None:
        allowed: Ranges = self.settings["metrics_from"]
        if not allowed.hold(self.request.remote_ip or ""):
            raise HTTPError(404)
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(self.chat.metrics.text())
