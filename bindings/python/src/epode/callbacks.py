"""What C calls. Always on the thread that is inside a call of this package, never on another one.

Nothing may be raised into C: what goes wrong in here is kept, and raised or told when the call has returned."""
from __future__ import annotations

import itertools
import threading
from typing import Any, Callable, Optional, Protocol, TypeVar

from ._native import ffi
from .handle import hold, let_go

_numbers = itertools.count(1)
_clients: dict[int, Any] = {}  # weakref.ref[Listener] by number
_pending: dict[int, Callable[[Any], None]] = {}
Value = TypeVar("Value")


class _Escaped(threading.local):
    def __init__(self) -> None:
        self.problems: list[BaseException] = []


_escaped = _Escaped()


class Listener(Protocol):
    """Whom a client's own callbacks are for."""

    def _on_log(self, level: int, area: str, line: str) -> None: ...

    def _on_password(self, why: int) -> None: ...

    def _on_task(self, task: Any) -> None: ...


def register(client: Any) -> int:
    """A number for a weak reference to a Listener, as C's user pointer."""
    number = next(_numbers)
    _clients[number] = client
    return number


def unregister(number: int) -> None:
    _clients.pop(number, None)


def expect(answer: Callable[[Any], None]) -> Any:
    """C's user pointer for a request: answer is called exactly once with what C gives, during the callback."""
    number = hold("request")
    _pending[number] = answer
    return ffi.cast("void *", number)


def forget(user: Any) -> None:
    """C did not take the request."""
    _pending.pop(_number(user), None)
    let_go(_number(user))


def escaped() -> Optional[BaseException]:
    """What went wrong in a callback of this thread and was not told yet."""
    return _escaped.problems.pop(0) if _escaped.problems else None


def _number(user: Any) -> int:
    return int(ffi.cast("uintptr_t", user))


def _failed(kind: Any, value: Any, trace: Any) -> None:
    _escaped.problems.append(value)


def _client(user: Any) -> Optional[Listener]:
    reference = _clients.get(_number(user))
    client: Optional[Listener] = reference() if reference is not None else None
    return client


@ffi.def_extern(name="epode_py_log", onerror=_failed)
def _log(level: int, area: Any, line: Any, user: Any) -> None:
    client = _client(user)
    if client is not None:
        client._on_log(level, ffi.string(area).decode(), ffi.string(line).decode("utf-8", "replace"))


@ffi.def_extern(name="epode_py_password", onerror=_failed)
def _password(_: Any, why: int, user: Any) -> None:
    client = _client(user)
    if client is not None:
        client._on_password(why)


@ffi.def_extern(name="epode_py_task", onerror=_failed)
def _task(_: Any, task: Any, user: Any) -> None:
    client = _client(user)
    if client is not None:
        client._on_task(task)


def _answer(_: Any, result: Any, user: Any) -> None:
    answer = _pending.pop(_number(user), None)
    if answer is not None:
        let_go(_number(user))
        answer(result)


for _name in ("epode_py_iq", "epode_py_upload", "epode_py_resource"):
    ffi.def_extern(name=_name, onerror=_failed)(_answer)


class _Collected:
    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make
        self.found: list[Any] = []
        self.problem: Optional[BaseException] = None


def _each(value: Any, user: Any) -> bool:
    collected = ffi.from_handle(user)
    try:
        collected.found.append(collected.make(value))
        return True
    except BaseException as problem:  # raised again behind the call
        collected.problem = problem
        return False


def _one(value: Any, user: Any) -> None:
    _each(value, user)


for _name in ("conversation", "contact", "hole", "text", "presence", "item"):
    ffi.def_extern(name=f"epode_py_{_name}_each", onerror=_failed)(_each)
for _name in ("message", "contact", "software"):
    ffi.def_extern(name=f"epode_py_{_name}", onerror=_failed)(_one)


def collect(make: Callable[[Any], Value], call: Callable[[Any], Any]) -> tuple[Any, list[Value]]:
    """What one call of C tells a callback, and what the call returns; call gets C's user pointer."""
    collected = _Collected(make)
    handle = ffi.new_handle(collected)
    status = call(handle)
    if collected.problem is not None:
        raise collected.problem
    return status, collected.found
