"""Passwords: hashes, and how many are made at once."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from chat.errors import BadRequest, Unavailable
from chat.passwords import Passwords
from tests.cases import QUICK_HASHER
from tests.replacing import replace_methods


def quick(*, threads: int = 2, queue: int = 10) -> Passwords:
    passwords = Passwords(least=8, most=20, threads=threads, queue=queue)
    passwords.hasher = QUICK_HASHER
    return passwords


async def test_tells_right_from_wrong() -> None:
    """Only the password itself is right; each hash has a salt of its own; no hash is nobody's."""
    passwords = quick()
    hashes = [await passwords.hash("correct horse") for _ in range(2)]
    assert hashes[0] != hashes[1]
    for hash in hashes:
        assert hash.startswith("$argon2id$")
        assert await passwords.is_right("correct horse", hash)
        for wrong in ("correct Horse", "correct hors", "", "x" * 21, "\ud800"):
            assert not await passwords.is_right(wrong, hash)
    for hash in ("", "nonsense"):
        assert not await passwords.is_right("correct horse", hash)
    passwords.close()


async def test_the_hash_of_nobody_costs_as_much() -> None:
    """It has the parameters of a real one, and cannot be right."""
    passwords = quick()
    passwords.hasher = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    nobody = passwords._nobody()
    assert not passwords.is_outdated(nobody)
    assert passwords._verify(nobody, b"correct horse") is False
    passwords.close()


@pytest.mark.parametrize(
    ("password", "fits"), [("1234567", 0), ("12345678", 1), ("x" * 20, 1), ("x" * 21, 0), ("é" * 8, 1)]
)
def test_has_so_many_characters(password: str, fits: int) -> None:
    """Characters count, not bytes."""
    passwords = quick()
    if fits:
        passwords.check(password)
    else:
        with pytest.raises(BadRequest, match="8 to 20"):
            passwords.check(password)


async def test_keyboards_do_not_matter() -> None:
    """The same text in another normal form, or full-width, is the same password."""
    passwords = quick()
    hash = await passwords.hash("ré sumé 12")
    for same in ("re\u0301 sume\u0301 12", "ré\u00a0sumé 12", "ré sumé １２"):
        assert await passwords.is_right(same, hash), same
    passwords.close()


async def test_other_parameters_are_outdated() -> None:
    """A hash made with other parameters than those of now is to be made again."""
    passwords = quick()
    hash = await passwords.hash("correct horse")
    assert not passwords.is_outdated(hash)
    passwords.hasher = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
    assert passwords.is_outdated(hash)
    assert await passwords.is_right("correct horse", hash)
    passwords.close()


async def test_so_many_wait() -> None:
    """One more than the threads and the queue take is refused with a time to wait; later there is room again."""
    passwords = quick(threads=1, queue=1)
    hash = await passwords.hash("correct horse")
    hold = threading.Event()
    replace_methods(passwords, _verify=lambda hash, password: hold.wait(10))
    first, second = (asyncio.create_task(passwords.is_right("correct horse", hash)) for _ in range(2))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await passwords.is_right("correct horse", hash)
    assert refused.value.retry_after
    first.cancel()  # one who goes away meanwhile still takes a thread
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await passwords.is_right("correct horse", hash)
    hold.set()
    assert await second
    assert await passwords.is_right("correct horse", hash)
    passwords.close()
