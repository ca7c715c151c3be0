"""Log records that no test has expected."""

import logging


class UnexpectedRecords(logging.Handler):
    """Collects warnings and errors. Those a test expects are taken before by `tornado.testing.ExpectLog`."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
