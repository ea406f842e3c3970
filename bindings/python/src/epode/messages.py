"""Messages: sending and how far they got, history and what is missing of it, raw stanzas, requests."""
from __future__ import annotations

import asyncio
import contextlib
import datetime
import xml.etree.ElementTree as ET
from typing import Any, AsyncIterator, Optional, Union

from ._native import ffi, lib
from .enums import Delivery, IqOutcome, State, Status
from .errors import AbortedError, DeadlineError, DeliveryError, StanzaError, StateError, check, error_of
from .events import DeliveryEvent, FetchedEvent, StateEvent, SyncEvent
from .handle import Strings, text, utf8, whole
from .login import Login
from .records import Conversation, Fetched, Hole, IqAnswer, Message, Unread

Stanza = Union[str, ET.Element]

# So many rows are read before other tasks of the loop have their turn.
_ROWS = 100


def stanza_text(stanza: Stanza) -> bytes:
    """As C takes it."""
    if isinstance(stanza, ET.Element):
        stanza = ET.tostring(stanza, encoding="unicode")
    try:
        return stanza.encode("utf-8")
    except UnicodeEncodeError:
        raise error_of(Status.INVALID, "the stanza is no text") from None


def iq_of(answer: Any, future: asyncio.Future[IqAnswer]) -> None:
    """What became of a request, for the one who waits for it."""
    outcome = IqOutcome(answer.outcome)
    xml = "" if answer.xml == ffi.NULL else ffi.unpack(answer.xml, answer.xml_len).decode("utf-8", "replace")
    if outcome == IqOutcome.RESULT:
        future.set_result(IqAnswer(xml))
    elif outcome == IqOutcome.ERROR:
        refused = StanzaError("the request was answered by an error", condition=text(answer.condition))
        refused.xml = xml or None
        future.set_exception(refused)
    elif outcome == IqOutcome.TIMEOUT:
        future.set_exception(DeadlineError("the request was not answered in time", final=False))
    else:
        aborted = AbortedError("the session was lost, and with it whether the request was heard" if answer.again
                               else "the request was cancelled", final=not answer.again)
        aborted.again = answer.again
        future.set_exception(aborted)


class Outgoing:
    """A message that is in the store, and leaves as soon as it can."""

    def __init__(self, client: Messages, row: int) -> None:
        self._client = client
        self.row = row
        """Names the message for ever."""

    def __repr__(self) -> str:
        return f"Outgoing(row={self.row})"

    async def delivered(self, until: Delivery = Delivery.ACKNOWLEDGED, timeout: Optional[float] = None) -> Delivery:
        """Waits until it got so far, or further; in this session or a later one. Raises DeliveryError where it was
        refused, DeadlineError after timeout seconds: the message is on its way all the same."""
        message = self._client.store.message(self.row)
        state = message.delivery if message is not None else Delivery.FAILED
        if state != Delivery.FAILED and state < until:
            event = await self._client.wait_for(
                DeliveryEvent, lambda e: e.row == self.row and e.delivery >= until, timeout)
            state = event.delivery
            message = self._client.store.message(self.row)
        if state == Delivery.FAILED and until != Delivery.FAILED:
            raise DeliveryError("the message was refused", condition=message.reason if message is not None else None)
        return state


class Messages(Login):
    """What a client does with messages."""

    async def send(self, to: str, body: Optional[str] = None, *, type: str = "chat", id: Optional[str] = None,
                   replace_id: Optional[str] = None, reply_id: Optional[str] = None, reply_to: Optional[str] = None,
                   retract_id: Optional[str] = None, react_id: Optional[str] = None, reactions: Optional[str] = None,
                   receipt: bool = True, marker: bool = True, xml: Optional[str] = None,
                   resource: Optional[str] = None) -> Outgoing:
        """Stores a message and sends it as soon as that is possible, now or in a later session, also after a kill; in
        order within its conversation. For how far it got: `await (await client.send(...)).delivered()`.

        replace_id: corrects that message; reply_id, reply_to: an answer to it; retract_id: takes it back; react_id and
        reactions (emoji separated by blanks, "" withdraws): what we think of it. receipt, marker: ask for them. xml:
        further elements. To a room: type "groupchat"."""
        strings, row = Strings(), ffi.new("uint64_t *")
        out = ffi.new("epode_outgoing *")
        out.size = ffi.sizeof("epode_outgoing")
        out.to, out.body, out.type, out.id = strings(to), strings(body), strings(type), strings(id)
        out.replace_id, out.reply_id, out.reply_to = strings(replace_id), strings(reply_id), strings(reply_to)
        out.retract_id, out.react_id, out.reactions = strings(retract_id), strings(react_id), strings(reactions)
        out.no_receipt, out.no_marker = not receipt, not marker
        out.xml, out.resource = strings(xml), strings(resource)
        check(lib.epode_send_message(self._pointer(), out, row), "a message needs a JID to go to, and a text or a well-formed element")
        return Outgoing(self, row[0])

    def message(self, row: int) -> Optional[Message]:
        """One message, with its XML. None: there is none of that number."""
        return self.store.message(row)

    async def history(self, peer: Optional[str] = None, *, archive: Optional[str] = None, newest_first: bool = True,
                      from_row: int = 0, inclusive: bool = False, from_time: Optional[datetime.datetime] = None,
                      everything: bool = False, xml: bool = False, limit: Optional[int] = None,
                      fill: bool = False) -> AsyncIterator[Message]:
        """Messages, of one conversation (peer: a contact or a room) or of a whole archive (the account's, or a room's),
        newest first; from a row or a time on. fill: where the archive has older ones that are not held, gets them and goes
        on, up to limit; needs a session, and a room that is joined or followed. Raises what fill() does, and ProtocolError
        where the archive does not give what is missing; what there was came before that."""
        row, useless = from_row, 0
        while True:
            for_now = self.store.messages(peer, archive=archive, newest_first=newest_first, from_row=row,
                                          inclusive=inclusive, from_time=from_time, everything=everything, xml=xml)
            with contextlib.closing(for_now):
                for number, message in enumerate(for_now, 1):
                    if limit is not None and limit <= 0:
                        return
                    row, inclusive, from_time = message.row, False, None
                    limit = None if limit is None else limit - 1
                    yield message
                    if number % _ROWS == 0:
                        await asyncio.sleep(0)
            if (limit is not None and limit <= 0) or not (fill and newest_first):
                return
            missing = self.holes()
            below = row or self._oldest(archive, peer)
            if below is None or not await self.fill(below):
                return
            # What came meanwhile may have been of another query; twice, the server gives what is of no use.
            useless = useless + 1 if self.holes() == missing else 0
            if useless == 2:
                raise error_of(Status.PROTOCOL, "the archive does not give what is missing", final=False)

    def _oldest(self, archive: Optional[str], peer: Optional[str]) -> Optional[int]:
        """Where nothing that is held is shown: what stands lowest in that archive all the same. 0: in the account's; None:
        a room's holds nothing."""
        owner = archive or peer
        lowest = next(self.store.messages(archive=owner, everything=True, limit=1), None) if owner else None
        if lowest is not None:
            return lowest.row
        return None if archive or (peer and lib.epode_room_find(self._pointer(), utf8(peer)) != ffi.NULL) else 0

    async def fill(self, row: int = 0, n: int = 0, timeout: Optional[float] = None) -> bool:
        """Gets up to n older messages (0: a page) below this row, of the archive that it is in (a room's message: the
        room's), where some are not held; row 0: below everything held of the account's. False: nothing is missing there,
        or the room is not followed any more, and nothing was being fetched. Raises StateError without a session, and what
        the archive says: StanzaError, ..."""
        waited = False
        while True:
            with self._expecting(SyncEvent, lambda e: e.synced or e.error is not None) as over:
                with self._expecting(StateEvent, lambda e: e.state != State.READY) as lost:
                    status = check(lib.epode_history_fill(self._pointer(), row, n))
                    if status == Status.DONE:
                        return waited
                    futures: list[asyncio.Future[Any]] = [over, lost]
                    await self._within(asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED), timeout)
                    if not over.done():
                        raise lost.result().error or StateError("the session was lost; fill() can be asked again")
                    if (error := over.result().error) is not None:
                        raise error
                    if status == Status.OK:
                        return True
                    waited = True  # the archive was busy with another query, which may have got them

    def search(self, words: str, *, archive: Optional[str] = None, limit: Optional[int] = 100) -> list[Message]:
        """Messages with all these words, newest stored first, of what is held."""
        return list(self.store.messages(search=words, archive=archive, limit=limit))

    def conversations(self) -> list[Conversation]:
        """All of them, the one with the newest message first."""
        return self.store.conversations()

    def unread(self, peer: str) -> Unread:
        """What is unread with one peer, or in a room."""
        return self.store.unread(peer)

    def holes(self) -> list[Hole]:
        """Stretches of the archives that are not held."""
        return self.store.holes()

    def mark_displayed(self, row: int, notify_sender: bool = True) -> None:
        """Everything up to this message was displayed: it counts as read here and on the account's other devices, and is
        told to the sender if the message asked for that and notify_sender is set."""
        check(lib.epode_mark_displayed(self._pointer(), row, notify_sender))

    def archive_follow(self, room: str) -> None:
        """Keeps the archive of this room too, now and in all later sessions; joining it is not needed."""
        check(lib.epode_archive_follow(self._pointer(), utf8(room)))

    def send_stanza(self, stanza: Stanza) -> None:
        """Sends a message, presence or iq as it is, text or Element; only when ready. Messages for people go by send()."""
        xml = stanza_text(stanza)
        check(lib.epode_send_xml(self._pointer(), xml, len(xml)))

    async def iq(self, stanza: Stanza, timeout: float = 60.0) -> IqAnswer:
        """Sends a request (an iq of type get or set with one child) under an id of its own, and waits for the one outcome:
        the answer, or StanzaError (an error came), DeadlineError, AbortedError (the session was lost: again says whether
        it may be asked again). Cancelling this cancels the request."""
        xml, ms = stanza_text(stanza), max(1, whole("timeout", timeout * 1000, 0xFFFFFFFF))
        return await self._request(lib.epode_py_iq, iq_of, lambda done, user, number: lib.epode_iq_xml(
            self._pointer(), xml, len(xml), ms, done, user, number))

    async def fetch(self, within: float) -> Fetched:
        """An errand for a push notification: connects, gets everything that is new, is over within so many seconds, and
        leaves the client suspended."""
        with self._expecting(FetchedEvent, lambda e: True) as over:
            check(lib.epode_client_fetch(self._pointer(), whole("within", within * 1000, 0xFFFFFFFF)))
            event = await self._within(over, None)
        return Fetched(event.complete, event.new_messages, event.error)

