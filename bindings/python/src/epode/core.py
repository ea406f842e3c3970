"""A client in an asyncio loop: its life, its turns, its events, and whoever waits for one of them."""
from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import threading
import warnings
import weakref
from typing import Any, AsyncIterator, Awaitable, Callable, Iterator, Optional, TypeVar

from . import callbacks
from ._native import ffi, lib
from .enums import Flags, LogLevel, State, Status, Stop
from .errors import DeadlineError, Error, StanzaError, StateError, check, error_from, error_of
from .events import Event, StateEvent, SyncEvent, event_of
from .handle import Handle
from .options import Options
from .reading import Reader
from .session import Session, session_of
from .waiting import NothingAsked, Wait
from .watch import Watch, watch

# Of the C interface these are not used: epode_client_run (asyncio is the loop); epode_client_waker, epode_waker_post,
# epode_waker_free (run_coroutine_threadsafe is the way in from other threads); epode_client_ctx, epode_send, epode_iq,
# epode_iq_stanza, epode_event_stanza (stanzas are text or elements here, not libstrophe's); epode_session_transport,
# epode_session_left_out_at (there is one transport here, and it can do everything).

Value = TypeVar("Value")
AnyEvent = TypeVar("AnyEvent", bound=Event)

_LEVELS = {LogLevel.ERROR: logging.ERROR, LogLevel.WARN: logging.WARNING, LogLevel.INFO: logging.INFO,
           LogLevel.DEBUG: logging.DEBUG, LogLevel.TRACE: 5}
# The client stops reading from the server when as many events wait in it; here we stop taking them from it.
_EVENTS_HELD = 256
# Where nobody takes events at all, so many of the newest are kept.
_EVENTS_KEPT = 4096
# So many steps before other tasks of the loop have their turn.
_STEPS = 16


class Events:
    """The events of a client, for `async for`. Each is given once: those that nobody took wait for the next one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        core._takers.add(self)

    def __del__(self) -> None:
        self._core._let_go()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        event = await self._core._take()
        if event is None:
            raise StopAsyncIteration
        return event


class Core:
    """What everything else of a client stands on."""

    def __init__(self, options: Options, on_exit: Stop) -> None:
        self._options: Optional[Options] = options
        self._on_exit = on_exit
        self._handle: Optional[Handle] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._watch: Optional[Watch] = None
        self._number = 0
        self._out = ffi.new("const epode_event **")
        self._queue: collections.deque[Event] = collections.deque()
        self._arrived: set[asyncio.Future[None]] = set()
        self._takers: weakref.WeakSet[Events] = weakref.WeakSet()
        self._waits: set[Wait] = set()
        self._waiting = 0
        self._no_sync = bool(options.flags & Flags.NO_SYNC)
        self._unsynced: Optional[Error] = None
        self._held = False
        self._turning = False
        self._logging = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._end: Any = None
        self._me: weakref.ref[Any] = weakref.ref(self)
        self.missed_events = 0
        """How many events were dropped because nobody iterated over events(); the store has every message all the same."""

    # --- life --------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Makes the client and opens its store, in the running loop; nothing is sent yet. `async with` does it, and
        start(). Raises StoreBusyError where another process owns the store."""
        if self._options is None:
            raise StateError("this client was opened already")
        loop = asyncio.get_running_loop()
        number = callbacks.register(self._me)
        try:
            pointer = self._options.make(number)
        except BaseException:
            callbacks.unregister(number)
            raise
        self._handle = handle = Handle("client", pointer, lib.epode_client_free)
        self._options = None  # the password is C's now, which wipes it
        self._number, self._loop = number, loop
        me = self._me

        def readable() -> None:
            client = me()
            if client is not None:
                client._turn()
        try:
            self._watch = watch(loop, lib.epode_client_fd(pointer), readable)
        except BaseException:
            handle.close()
            callbacks.unregister(number)
            raise
        self._end = weakref.finalize(self, _abandoned, handle, self._watch, number, loop)

    def _here(self) -> asyncio.AbstractEventLoop:
        """The loop that runs, which has to be the client's."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop and self._loop is not None:
            raise StateError("this client belongs to another asyncio loop")
        return loop

    def _pointer(self) -> Any:
        if self._handle is None:
            raise StateError("this client is not open: use `async with`, or open()")
        return self._handle.get()

    @property
    def closed(self) -> bool:
        """Whether it was closed, or never opened."""
        return self._handle is None or self._handle.closed

    def abort(self) -> None:
        """Closes at once, without a word to the server: the session can be resumed."""
        if self._handle is None or self._handle.closed:
            return
        self._handle.get()  # says so where it is not ours
        if self._logging and self._loop is not None:  # a handler of logging: C is in the middle of something
            self._loop.call_soon(self.abort)
            return
        for task in self._tasks:
            task.cancel()
        if self._watch is not None:
            self._watch.stop()
        if self._end is not None:
            self._end.detach()
        self._handle.close()
        callbacks.unregister(self._number)
        closed = StateError("the client was closed")
        for wait in list(self._waits):
            if not wait.future.done():
                wait.future.set_exception(closed)
        self._wake()

    async def close(self, how: Optional[Stop] = None, timeout: float = 5.0) -> None:
        """Ends the session (Stop.CLOSE) or leaves it to be resumed (Stop.RESUMABLE), and frees everything; how None: as
        on_exit says. After timeout seconds, or when this is cancelled, it is over all the same, without a word."""
        if self.closed:
            return
        if self._loop is not None and self._loop.is_closed():
            self.abort()
            return
        self._here()
        try:
            if not self._is_stopped():
                self.stop(self._on_exit if how is None else how)
                with contextlib.suppress(DeadlineError):
                    while not self._is_stopped():
                        await self._event(StateEvent, lambda e: e.state == State.STOPPED, timeout)
        finally:
            self.abort()

    def _is_stopped(self) -> bool:
        return self.state == State.STOPPED

    def start(self) -> None:
        """The wish to be online; ready() waits for it."""
        check(lib.epode_client_start(self._pointer()))

    def stop(self, how: Stop = Stop.CLOSE) -> None:
        """The wish to be offline; a StateEvent with State.STOPPED follows."""
        check(lib.epode_client_stop(self._pointer(), int(how)))

    @property
    def state(self) -> State:
        """Where the client is on its way."""
        return State(lib.epode_client_state(self._pointer()))

    @property
    def error(self) -> Optional[Error]:
        """Why it is not online; None: nothing is wrong."""
        return error_from(lib.epode_client_error(self._pointer()))

    @property
    def session(self) -> Optional[Session]:
        """The facts of the present or last session; None before the first."""
        session = lib.epode_client_session(self._pointer())
        return session_of(session) if session != ffi.NULL else None

    @property
    def store(self) -> Reader:
        """The client's own store, to be read, online or not."""
        self._pointer()
        assert self._handle is not None
        return Reader(self._store_pointer, self._handle)

    def _store_pointer(self) -> Any:
        store = lib.epode_client_store(self._pointer())
        if store == ffi.NULL:
            raise error_of(Status.NO_MEMORY)
        return store

    async def ready(self, timeout: Optional[float] = None) -> Session:
        """Waits until there is a session, through failures that are tried again. Raises the error of a client that has
        stopped: AuthError, CertificateError, ...; DeadlineError after timeout seconds."""
        end = None if timeout is None else asyncio.get_running_loop().time() + timeout
        while True:
            state = self.state
            if state == State.READY:
                session = self.session
                assert session is not None
                return session
            if state == State.STOPPED:
                raise self.error or StateError("the client is stopped: start() makes it connect")
            left = None if end is None else max(0.0, end - asyncio.get_running_loop().time())
            try:
                await self._event(StateEvent, lambda e: True, left)
            except DeadlineError:
                raise self._late() from None

    async def synced(self, timeout: Optional[float] = None) -> Session:
        """Waits until there is a session in which everything that was missed is here: every followed archive is held up to its
        end. With Flags.NO_SYNC it is ready(). Raises what ready() does, and StanzaError where the server has no archive or
        refuses to show it."""
        loop = asyncio.get_running_loop()
        end = None if timeout is None else loop.time() + timeout
        while True:
            session = await self.ready(None if end is None else max(0.0, end - loop.time()))
            if self._no_sync or session.synced_us >= 0:
                return session
            if isinstance(self._unsynced, StanzaError):
                raise self._unsynced
            left = None if end is None else max(0.0, end - loop.time())
            await self._event(Event, lambda e: isinstance(e, (StateEvent, SyncEvent)), left)

    def _late(self) -> Error:
        """What a deadline says: what is wrong, if that is known."""
        error = self.error
        return DeadlineError(f"not ready in time: {error}" if error else "not ready in time", final=False)

    # --- turns -------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        """What is due. On the loop's thread."""
        handle = self._handle
        if handle is None or handle.closed or self._turning:
            return
        pointer = handle.get()
        self._turning = True
        try:
            for _ in range(_STEPS):
                status = lib.epode_client_process(pointer)
                self._raise_escaped()
                if status == Status.DONE or handle.closed:
                    return
                self._pull(pointer)
                if status != Status.OK:
                    return
        finally:
            self._turning = False

    def _raise_escaped(self) -> None:
        while (problem := callbacks.escaped()) is not None:
            if not isinstance(problem, Exception):
                raise problem  # KeyboardInterrupt, SystemExit
            assert self._loop is not None
            self._loop.call_exception_handler({"message": "a callback of epode failed", "exception": problem})

    def _pull(self, pointer: Any) -> None:
        """Takes events from C: all while somebody waits for one, else as many as will be taken."""
        self._held = False
        while self._waits or self._waiting or not len(self._takers) or len(self._queue) < _EVENTS_HELD:
            if lib.epode_client_next_event(pointer, self._out) != Status.OK:
                return
            event = event_of(self._out[0][0], self._me)
            if event is None:
                continue
            if isinstance(event, SyncEvent):
                self._unsynced = event.error
            elif isinstance(event, StateEvent):
                self._unsynced = None
            self._queue.append(event)
            for wait in list(self._waits):
                wait.look(event)
            if not len(self._takers) and len(self._queue) > _EVENTS_KEPT:
                self._queue.popleft()
                self.missed_events += 1
            self._wake()
        self._held = True

    def _wake(self) -> None:
        for arrived in self._arrived:
            if not arrived.done():
                arrived.set_result(None)

    async def _take(self) -> Optional[Event]:
        """The oldest event that was not taken. None: the client is closed."""
        loop = self._here()
        while not self._queue:
            if self.closed and self._handle is not None:
                return None
            self._pointer()
            self._unhold()
            arrived: asyncio.Future[None] = loop.create_future()
            self._arrived.add(arrived)
            try:
                await arrived
            finally:
                self._arrived.discard(arrived)
        event = self._queue.popleft()
        if len(self._queue) < _EVENTS_HELD // 2:
            self._unhold()
        return event

    def _unhold(self) -> None:
        if self._held and not self.closed and self._loop is not None:
            self._held = False
            self._loop.call_soon(self._turn_held)

    def _let_go(self) -> None:
        """Somebody does not iterate any more; perhaps nobody does, and what was held back need not wait. Any thread."""
        if self._held and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._unhold)

    def _turn_held(self) -> None:
        if not self.closed:
            self._pull(self._pointer())
            self._turn()

    def events(self) -> Events:
        """`async for event in client.events()`: everything that the client tells, until it is closed. Each event is given
        once, from the first one on: those that nobody took yet wait, the newest 4096 of them. While there is an iterator,
        nothing is dropped: when 256 wait for it, the client stops reading from the server, unless something else of this
        client is awaited."""
        return Events(self)

    async def wait_for(self, kind: type[AnyEvent], test: Callable[[AnyEvent], bool] = lambda event: True,
                       timeout: Optional[float] = None) -> AnyEvent:
        """Waits for an event of this kind that passes the test, beside whoever iterates over events(): it is not taken
        away from there. Raises DeadlineError after timeout seconds."""
        self._pointer()
        return await self._event(kind, test, timeout)

    async def _event(self, kind: type[AnyEvent], test: Callable[[AnyEvent], bool], timeout: Optional[float]) -> AnyEvent:
        with self._expecting(kind, test) as future:
            return await self._within(future, timeout)

    @contextlib.contextmanager
    def _expecting(self, kind: type[AnyEvent], test: Callable[[AnyEvent], bool]) -> Iterator[asyncio.Future[AnyEvent]]:
        """The future of such an event, from here on: to be asked for before what causes it is done."""
        future: asyncio.Future[Any] = self._here().create_future()
        wait = Wait(lambda event: isinstance(event, kind) and test(event), future)
        self._waits.add(wait)
        self._unhold()
        try:
            yield future
        finally:
            self._waits.discard(wait)
            if not future.done():
                future.cancel()
            elif not future.cancelled():
                future.exception()  # it was seen, or nobody is there to see it

    @staticmethod
    async def _within(awaitable: Awaitable[Value], timeout: Optional[float]) -> Value:
        try:
            return await asyncio.wait_for(awaitable, timeout)
        except asyncio.TimeoutError as problem:
            if isinstance(problem, Error):
                raise
            raise DeadlineError("what was waited for did not come in time", final=False) from None

    async def _request(self, callback: Any, make: Callable[[Any, asyncio.Future[Value]], None],
                       call: Callable[[Any, Any, Any], Any], cancel: bool = True) -> Value:
        """Makes a request of C whose outcome comes by a callback; make sets the future from what that gives."""
        loop = self._here()
        future: asyncio.Future[Value] = loop.create_future()

        def answer(result: Any) -> None:
            if not future.done() and not loop.is_closed():
                try:
                    make(result, future)
                except Exception as problem:
                    future.set_exception(problem)
        pointer, user, number = self._pointer(), callbacks.expect(answer), ffi.new("uint64_t *")
        try:
            if (status := check(call(callback, user, number))) != Status.OK:
                raise NothingAsked(status)
        except BaseException:
            callbacks.forget(user)
            raise
        self._waiting += 1
        self._unhold()
        try:
            return await future
        except asyncio.CancelledError:
            if cancel and not self.closed:
                lib.epode_iq_cancel(pointer, number[0])
            raise
        finally:
            self._waiting -= 1

    def _on_log(self, level: int, area: str, line: str) -> None:
        self._logging += 1
        try:
            logging.getLogger(f"epode.{area}").log(_LEVELS.get(LogLevel(level), logging.DEBUG), "%s", line)
        finally:
            self._logging -= 1


def _abandoned(handle: Handle, watching: Watch, number: int, loop: asyncio.AbstractEventLoop) -> None:
    """A client that was let go without being closed, or is there at the interpreter's end. Its session can be resumed."""
    if handle.closed or not handle.mine:
        return

    def end() -> None:
        watching.stop()
        handle.close()
        callbacks.unregister(number)
    warnings.warn("a client was not closed; use `async with`, or await its close()", ResourceWarning, stacklevel=2)
    if threading.get_ident() == handle.thread or loop.is_closed():
        end()
        return
    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: the process is at its end
        loop.call_soon_threadsafe(end)
