"""/api/openapi.json: what calls there are, for programs."""

from handlers.base import ApiHandler
from handlers.openapi.document import document_json


class OpenApiHandler(ApiHandler):
    def get(self) -> None:
        self.write(document_json(self.link("/")))
