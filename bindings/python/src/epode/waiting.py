"""Those who wait: for an event, or for the outcome of a request."""
from __future__ import annotations

import asyncio
from typing import Callable

from .events import Event


class NothingAsked(Exception):
    """A request that C did not make, though nothing failed: status says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Wait:
    """Somebody who waits for an event: test says which."""

    __slots__ = ("test", "future")

    def __init__(self, test: Callable[[Event], bool], future: asyncio.Future[Event]) -> None:
        self.test = test
        self.future = future

    def look(self, event: Event) -> None:
        if self.future.done():
            return
        try:
            if self.test(event):
                self.future.set_result(event)
        except Exception as problem:  # the test's, for the one who waits
            self.future.set_exception(problem)
