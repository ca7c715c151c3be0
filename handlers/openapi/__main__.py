"""Writes the document: `python -m handlers.openapi > docs/openapi.json`."""

import sys

from handlers.openapi.document import document_json

sys.stdout.buffer.write(document_json())
