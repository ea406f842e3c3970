"""What a login asks of its application: a password or a token where nothing that is remembered will do, and tasks."""
from __future__ import annotations

import asyncio
from typing import Any, Optional

from ._native import lib
from .core import Core
from .enums import Ask, Secret, Status, Stop
from .errors import check
from .handle import utf8
from .options import Options
from .records import OAuthToken, Task, TaskAnswer, task_of


class Login(Core):
    """A client that answers, in tasks of its loop."""

    def __init__(self, options: Options, on_exit: Stop) -> None:
        super().__init__(options, on_exit)
        self._on_password_wanted = options.on_password
        self._on_task_wanted = options.on_task

    def _spawn(self, work: Any) -> None:
        assert self._loop is not None
        task: asyncio.Task[None] = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def _spawned(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            task.get_loop().call_exception_handler({"message": "the answer to a login failed", "exception": problem})

    def _on_password(self, why: int) -> None:
        self._spawn(self._answer_password(Ask(why)))

    async def _answer_password(self, why: Ask) -> None:
        secret: Optional[str] = None
        try:
            assert self._on_password_wanted is not None
            secret = await self._on_password_wanted(why)
        finally:
            if not self.closed:
                kind = Secret.OAUTH if isinstance(secret, OAuthToken) else Secret.PASSWORD
                self._answered(lib.epode_client_answer_password(self._pointer(), int(kind), utf8(secret)))

    def _on_task(self, task: Any) -> None:
        self._spawn(self._answer_task(task_of(task)))

    async def _answer_task(self, task: Task) -> None:
        answer: Optional[TaskAnswer] = None
        status: int = Status.INVALID
        try:
            assert self._on_task_wanted is not None
            answer = await self._on_task_wanted(task)
            if answer is not None and not self.closed:
                status = lib.epode_client_answer_task(self._pointer(), utf8(answer.name), utf8(answer.xml))
        finally:
            if status == Status.INVALID and not self.closed:
                lib.epode_client_cancel_task(self._pointer())
        if answer is not None:
            self._answered(status)

    @staticmethod
    def _answered(status: int) -> None:
        """It may have been stopped or suspended since: nobody waits for the answer then."""
        if status != Status.STATE:
            check(status)
