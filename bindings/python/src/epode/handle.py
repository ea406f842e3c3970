"""One owner for each C object: freed once, by the thread and in the process that it belongs to."""
from __future__ import annotations

import collections
import itertools
import os
import threading
from typing import Any, Callable, Optional

from ._native import ffi
from .errors import ForkedError, InvalidArgumentError, StateError, WrongThreadError

# What is held, by a number of its own. Without a lock: garbage may be collected, and so something given back, in the middle
# of anything; a dictionary changes in one step.
_held: dict[int, str] = {}
_numbers = itertools.count(1)


def live() -> dict[str, int]:
    """How many objects of the C library are held, by kind; empty when all was given back. For tests."""
    return dict(collections.Counter(list(_held.values())))


def hold(kind: str) -> int:
    """Counts what is held by C or held of it. The number takes it out again."""
    number = next(_numbers)
    _held[number] = kind
    return number


def let_go(number: int) -> None:
    _held.pop(number, None)


class Handle:
    """A pointer that is ours, with those that must be given back before it."""

    __slots__ = ("_pointer", "_free", "_pid", "_thread", "_kind", "_inner", "_outer", "_number")

    def __init__(self, kind: str, pointer: Any, free: Callable[[Any], object], outer: Optional[Handle] = None) -> None:
        self._pointer = pointer
        self._free = free
        self._kind = kind
        self._pid = os.getpid()
        self._thread = threading.get_ident()
        self._inner: set[Handle] = set()
        self._outer = outer
        if outer is not None:
            outer._inner.add(self)
        self._number = hold(kind)

    @property
    def closed(self) -> bool:
        return self._pointer is None

    @property
    def mine(self) -> bool:
        """Whether it may be used here: not in a forked child, which shares the descriptors of its parent."""
        return self._pid == os.getpid()

    @property
    def thread(self) -> int:
        return self._thread

    def get(self) -> Any:
        """The pointer, for one call."""
        if self._pid != os.getpid():
            raise ForkedError(f"this {self._kind} belongs to the process that this one was forked from")
        if self._thread != threading.get_ident():
            raise WrongThreadError(f"this {self._kind} belongs to another thread")
        if self._pointer is None:
            raise StateError(f"this {self._kind} is closed")
        return self._pointer

    def close(self) -> None:
        """Gives it back; once."""
        pointer, self._pointer = self._pointer, None
        if pointer is None or not self.mine:
            return
        if self._outer is not None:
            self._outer._inner.discard(self)
        for inner in list(self._inner):
            inner.close()
        let_go(self._number)
        self._free(pointer)


def text(pointer: Any) -> Optional[str]:
    """A C string, or None for NULL."""
    return None if pointer == ffi.NULL else ffi.string(pointer).decode("utf-8", "replace")


def words(pointer: Any) -> str:
    """A C string that is never NULL."""
    return ffi.string(pointer).decode("utf-8", "replace")


def utf8(value: Optional[str]) -> Any:
    """A string for C: bytes, or NULL for None."""
    if value is None:
        return ffi.NULL
    if not isinstance(value, str):
        raise TypeError(f"a str is needed, not {type(value).__name__}")
    try:
        encoded = value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidArgumentError("this is no text: it has half of a surrogate pair") from None
    if b"\0" in encoded:
        raise InvalidArgumentError("this is no text for C: it has a NUL in it")
    return encoded


def whole(name: str, value: float, most: int) -> int:
    """A number for C that is not negative."""
    if not 0 <= value <= most:
        raise InvalidArgumentError(f"{name} is out of its range")
    return int(value)


class Strings:
    """Strings that live as long as this does, for the fields of a struct."""

    def __init__(self) -> None:
        self._kept: list[Any] = []

    def __call__(self, value: Optional[str]) -> Any:
        encoded = utf8(value)
        if value is None:
            return encoded
        kept = ffi.new("char[]", encoded)
        self._kept.append(kept)
        return kept

    def array(self, values: list[str]) -> Any:
        kept = ffi.new("const char *[]", [self(value) for value in values])
        self._kept.append(kept)
        return kept
