"""Passwords: how they are hashed and compared, away from the event loop."""

import asyncio
import base64
import os
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chat.errors import BadRequest, Unavailable

T = TypeVar("T")

# Hashing gives way to the event loop: the threads' nice value (Linux: of a thread, setpriority(2)).
NICENESS = 10
# One who finds too many others signing in tries again after this time (seconds).
BUSY_RETRY = 2.0


class Passwords:
    """Hashes with argon2id at the library's defaults (RFC 9106, section 4, the second choice: 64 MiB, 3 passes).

    At most `threads` are hashed at once and `queue` wait; a password has `least` to `most` characters.
    """

    def __init__(self, *, least: int, most: int, threads: int, queue: int) -> None:
        self.least = least
        self._most = most
        self._limit = threads + queue
        self._under_way = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password", initializer=_give_way)
        self.hasher = PasswordHasher()

    def check(self, password: str) -> None:
        """Raises BadRequest for a new password that is too short or too long."""
        if len(password) > self._most or not self.least <= len(_normal(password)) <= self._most:
            raise BadRequest(f"A password has {self.least} to {self._most} characters.")

    async def hash(self, password: str) -> str:
        """The hash of a new password, with its salt and parameters; raises BadRequest, Unavailable."""
        self.check(password)
        return await self._run(lambda: self.hasher.hash(_bytes(password)))

    async def is_right(self, password: str, hash: str) -> bool:
        """Whether the hash is of that password; without a hash it is not, and that takes the same time.

        Raises Unavailable.
        """
        fits = len(password) <= self._most
        given = _bytes(password) if fits else b""
        return await self._run(lambda: self._verify(hash or self._nobody(), given)) and fits and bool(hash)

    def is_outdated(self, hash: str) -> bool:
        """Whether it was made with other parameters than those of now."""
        return self.hasher.check_needs_rehash(hash)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hash: str, password: bytes) -> bool:
        try:
            return self.hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def _nobody(self) -> str:
        """A hash that no password has, as costly to compare as a real one."""
        hasher = self.hasher
        salt, hash = (_base64(secrets.token_bytes(length)) for length in (hasher.salt_len, hasher.hash_len))
        return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${hash}"

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._limit:
            raise Unavailable("Too many are signing in; try again in a moment.", retry_after=BUSY_RETRY)
        self._under_way += 1
        task = asyncio.get_running_loop().run_in_executor(self._pool, work)
        task.add_done_callback(self._done)  # one who goes away meanwhile still costs its thread
        return await asyncio.shield(task)

    def _done(self, _: object) -> None:
        self._under_way -= 1


def _normal(password: str) -> str:
    """The same whatever keyboard it was typed on (NFKC, as NIST SP 800-63B, section 3.1.1.2, advises)."""
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return _normal(password).encode(errors="surrogatepass")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _give_way() -> None:
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
