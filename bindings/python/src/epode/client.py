"""One account on one device, for the application's whole life, across connections."""
from __future__ import annotations

from types import TracebackType
from typing import Awaitable, Callable, Optional

from ._native import lib
from .enums import Ask, Flags, Forget, Hint, LogLevel, Stop, Tls
from .errors import check
from .options import Options, Path
from .records import Task, TaskAnswer
from .services import Services


class Client(Services):
    """A client in an asyncio loop.

        async with epode.Client("you@example.org", "secret", store="you.db") as client:
            await client.ready()
            await client.send("friend@example.org", "hello")
            async for event in client.events():
                ...

    All of it belongs to the thread of that loop, and to this process: after a fork the child must not use it.

    password: None where a token that the store remembers, a certificate, an OAuth token or on_password will do. store:
    a file; None: in memory, forgotten with the client. on_password: asked when nothing that is remembered can log in;
    gives a password, an OAuthToken, or None to give up. on_task: what a server wants besides, as a second factor. Times
    are seconds; zero is the library's default. on_exit: how `async with` ends. See struct epode_options in
    epode/client.h for everything else."""

    def __init__(self, jid: str, password: Optional[str] = None, *, store: Optional[Path] = None, tag: Optional[str] = None,
                 software: Optional[str] = None, device: Optional[str] = None, host: Optional[str] = None, port: int = 0,
                 ca_file: Optional[Path] = None, dns_server: Optional[str] = None, tls: Tls = Tls.AUTO,
                 flags: Flags = Flags.NONE, connect_timeout: float = 0, max_stanza_bytes: int = 0,
                 log_level: LogLevel = LogLevel.WARN, first_sync_messages: int = 0, first_sync_days: int = 0,
                 client_cert_file: Optional[Path] = None, client_key_file: Optional[Path] = None,
                 oauth_token: Optional[str] = None,
                 on_password: Optional[Callable[[Ask], Awaitable[Optional[str]]]] = None,
                 on_task: Optional[Callable[[Task], Awaitable[Optional[TaskAnswer]]]] = None, keepalive: float = 0,
                 on_exit: Stop = Stop.CLOSE) -> None:
        super().__init__(Options(
            jid=jid, password=password, store=store, tag=tag, software=software, device=device, host=host, port=port,
            ca_file=ca_file, dns_server=dns_server, tls=tls, flags=flags, connect_timeout=connect_timeout,
            max_stanza_bytes=max_stanza_bytes, log_level=log_level, first_sync_messages=first_sync_messages,
            first_sync_days=first_sync_days, client_cert_file=client_cert_file, client_key_file=client_key_file,
            oauth_token=oauth_token, on_password=on_password, on_task=on_task, keepalive=keepalive), on_exit)
        self.jid = jid
        """As it was given."""

    def __repr__(self) -> str:
        return f"<epode.Client {self.jid}{' closed' if self.closed else ''}>"

    async def __aenter__(self) -> Client:
        self.open()
        try:
            self.start()
        except BaseException:
            self.abort()
            raise
        return self

    async def __aexit__(self, kind: Optional[type[BaseException]], value: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        await self.close()

    def set_active(self, active: bool) -> None:
        """Client state (XEP-0352): False when nobody looks at the application."""
        check(lib.epode_client_set_active(self._pointer(), active))

    def hint(self, hint: Hint) -> None:
        """What the application knows and the client cannot."""
        check(lib.epode_client_hint(self._pointer(), int(hint)))

    def suspend(self) -> None:
        """Confirms what came, drops the connection so that it can be resumed, and gives the store's file back."""
        check(lib.epode_client_suspend(self._pointer()))

    def resume(self) -> None:
        """Opens the store again and goes on. StoreBusyError: another process owns it now."""
        check(lib.epode_client_resume(self._pointer()))

    def forget(self, what: Forget) -> None:
        """For when the user logs out; only while stopped."""
        check(lib.epode_client_forget(self._pointer(), int(what)))

    def unpin(self) -> None:
        """Accepts that the server authenticates with less than it did before: the answer to DowngradeError, after the user
        was asked; only while stopped."""
        check(lib.epode_client_unpin(self._pointer()))
