"""How a loop learns that the client's one descriptor is readable."""
from __future__ import annotations

import asyncio
import select
import socket
import threading
from typing import Callable, Protocol


class Watch(Protocol):
    """Calls back on the loop's thread, as long as there is something to do, until it is stopped."""

    def stop(self) -> None: ...


class _Reader:
    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int, call: Callable[[], None]) -> None:
        loop.add_reader(fd, call)
        self._loop, self._fd = loop, fd

    def stop(self) -> None:
        if not self._loop.is_closed():
            self._loop.remove_reader(self._fd)


class _Thread:
    """For loops that watch no descriptors (Windows' Proactor). The thread only waits; the loop's thread does the work."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int, call: Callable[[], None]) -> None:
        self._loop, self._call = loop, call
        self._mine, self._its = socket.socketpair()
        self._turned = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._wait, args=(fd,), name="epode-watch", daemon=True)
        self._thread.start()

    def _wait(self, fd: int) -> None:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.register(self._its, select.POLLIN)
        while not self._over:
            poll.poll()
            if self._over:
                return
            self._turned.clear()
            try:
                self._loop.call_soon_threadsafe(self._turn)
            except RuntimeError:  # the loop is closed
                return
            self._turned.wait()

    def _turn(self) -> None:
        try:
            if not self._over:
                self._call()
        finally:
            self._turned.set()

    def stop(self) -> None:
        if self._over:
            return
        self._over = True
        self._mine.send(b"x")
        self._turned.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._mine.close()
        self._its.close()


def watch(loop: asyncio.AbstractEventLoop, fd: int, call: Callable[[], None]) -> Watch:
    """The loop's own way where it has one."""
    try:
        return _Reader(loop, fd, call)
    except NotImplementedError:
        return _Thread(loop, fd, call)
