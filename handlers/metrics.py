"""/metrics: the figures of the running server, for Prometheus."""

from prometheus_client import CONTENT_TYPE_LATEST

from handlers.base import ApiHandler


class MetricsHandler(ApiHandler):
    def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(self.chat.metrics.text())
