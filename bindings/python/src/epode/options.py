"""The options of a client, and the client that C makes of them."""
from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Optional, Union

from ._native import ffi, lib
from .enums import Ask, Flags, LogLevel, Tls
from .errors import error_of
from .handle import Strings, whole, words
from .records import Task, TaskAnswer

Path = Union[str, "os.PathLike[str]"]


def _path(path: Optional[Path]) -> Optional[str]:
    return None if path is None else os.fspath(path)


@dataclass
class Options:
    """As they were given to Client."""

    jid: str
    password: Optional[str]
    store: Optional[Path]
    tag: Optional[str]
    software: Optional[str]
    device: Optional[str]
    host: Optional[str]
    port: int
    ca_file: Optional[Path]
    dns_server: Optional[str]
    tls: Tls
    flags: Flags
    connect_timeout: float
    max_stanza_bytes: int
    log_level: LogLevel
    first_sync_messages: int
    first_sync_days: int
    client_cert_file: Optional[Path]
    client_key_file: Optional[Path]
    oauth_token: Optional[str]
    on_password: Optional[Callable[[Ask], Awaitable[Optional[str]]]]
    on_task: Optional[Callable[[Task], Awaitable[Optional[TaskAnswer]]]]
    keepalive: float

    def __repr__(self) -> str:
        return f"Options({self.jid!r})"  # never a secret

    def make(self, number: int) -> Any:
        """The client; number is what its callbacks are told."""
        strings = Strings()
        options = ffi.new("epode_options *")
        options.size = ffi.sizeof("epode_options")
        options.jid = strings(self.jid)
        options.password = strings(self.password)
        options.store_path = strings(_path(self.store))
        options.tag = strings(self.tag)
        options.software = strings(self.software)
        options.device = strings(self.device)
        options.host = strings(self.host)
        options.port = whole("port", self.port, 65535)
        options.ca_file = strings(_path(self.ca_file))
        options.dns_server = strings(self.dns_server)
        options.tls = int(self.tls)
        options.flags = int(self.flags)
        options.connect_timeout_ms = whole("connect_timeout", self.connect_timeout * 1000, 0xFFFFFFFF)
        options.max_stanza_bytes = whole("max_stanza_bytes", self.max_stanza_bytes, 0xFFFFFFFF)
        # not mapped: epode_options.on_event (events are pulled)
        # not mapped: epode_options.user_destroy (user is a number)
        options.on_log = lib.epode_py_log
        options.log_level = int(self.log_level)
        options.user = ffi.cast("void *", number)
        options.first_sync_messages = whole("first_sync_messages", self.first_sync_messages, 0xFFFFFFFF)
        options.first_sync_days = whole("first_sync_days", self.first_sync_days, 0xFFFFFFFF)
        options.client_cert_file = strings(_path(self.client_cert_file))
        options.client_key_file = strings(_path(self.client_key_file))
        options.oauth_token = strings(self.oauth_token)
        if self.on_password is not None:
            options.on_password = lib.epode_py_password
        if self.on_task is not None:
            options.on_task = lib.epode_py_task
        options.keepalive_s = whole("keepalive", self.keepalive, 0xFFFFFFFF)
        out, why = ffi.new("epode_client **"), ffi.new("char[200]")
        status = lib.epode_client_new(out, options, why, 200)
        if status < 0:
            raise error_of(status, words(why) or None)
        return out[0]
