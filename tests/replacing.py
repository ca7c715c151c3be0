"""Putting something else in place of a method of one real object, for the rest of a test."""

from typing import Any


def replace_methods(owner: object, **methods: Any) -> None:
    """From now on `owner` does these instead; everything else about it, and every other one, stays as it is."""
    for name, method in methods.items():
        if not callable(getattr(owner, name)):
            raise TypeError(f"{owner!r} has no method {name}")
        setattr(owner, name, method)
