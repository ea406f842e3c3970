"""The roster, presence, chat states, blocking."""
from __future__ import annotations

from typing import Any, Callable, Iterable, Optional

from . import callbacks
from ._native import ffi, lib
from .enums import ChatState, Show, Status, SubscriptionStep
from .errors import check
from .events import CapsEvent
from .handle import Strings, text, utf8
from .messages import Messages, iq_of
from .records import Contact, IqAnswer, Presence, presence_of


class People(Messages):
    """What a client does with contacts."""

    async def _ask(self, call: Callable[[Any, Any, Any], Any]) -> IqAnswer:
        """A request whose answer says only that it was done."""
        return await self._request(lib.epode_py_iq, iq_of, call)

    # --- roster ------------------------------------------------------------------------------------------------

    def roster(self) -> list[Contact]:
        """The contacts, as the server last said, whoever is online."""
        return self.store.roster()

    async def roster_set(self, jid: str, name: Optional[str] = None, groups: Iterable[str] = ()) -> None:
        """Adds a contact, or gives it another name and other groups. The store follows by a RosterEvent."""
        strings, wanted = Strings(), list(groups)
        array = strings.array(wanted)
        await self._ask(lambda done, user, number: lib.epode_roster_set(
            self._pointer(), utf8(jid), utf8(name), array, len(wanted), done, user, number))

    async def roster_remove(self, jid: str) -> None:
        """Takes a contact out of the roster, which ends both subscriptions."""
        await self._ask(lambda done, user, number: lib.epode_roster_remove(
            self._pointer(), utf8(jid), done, user, number))

    def subscription(self, jid: str, step: SubscriptionStep) -> None:
        """Asks for a subscription, approves or ends one."""
        check(lib.epode_roster_subscription(self._pointer(), utf8(jid), int(step)))

    # --- presence ----------------------------------------------------------------------------------------------

    def set_presence(self, show: Show = Show.ONLINE, status: Optional[str] = None, priority: int = 0) -> None:
        """Our own: told now, or when there is a session, and again in each new one, by later processes too."""
        check(lib.epode_presence_set(self._pointer(), int(show), utf8(status), priority))

    def own_presence(self) -> tuple[Show, Optional[str], int]:
        """Our own, as it was set last: show, status, priority."""
        status, priority = ffi.new("const char **"), ffi.new("int *")
        show = Show(lib.epode_presence_own(self._pointer(), status, priority))
        return show, text(status[0]), int(priority[0])

    def send_presence(self, jid: str, show: Show = Show.ONLINE, status: Optional[str] = None) -> None:
        """To one JID alone; Show.OFFLINE withdraws it."""
        check(lib.epode_presence_send_to(self._pointer(), utf8(jid), int(show), utf8(status)))

    def presences(self, jid: Optional[str] = None) -> list[Presence]:
        """The resources that are there, of one bare JID or of everybody; of one JID the highest priority first."""
        pointer = self._pointer()
        if jid is None:
            return callbacks.collect(presence_of, lambda user: lib.epode_presence_each(
                pointer, lib.epode_py_presence_each, user))[1]
        name = utf8(jid)
        found = (lib.epode_presence_at(pointer, name, i) for i in range(lib.epode_presence_count(pointer, name)))
        return [presence_of(p) for p in found if p != ffi.NULL]

    async def contact_has(self, jid: str, feature: str, timeout: Optional[float] = 60.0) -> bool:
        """Whether the software behind a full JID that is there has a feature, by its capabilities; asks if need be."""
        while True:
            with self._expecting(CapsEvent, lambda e: True) as known:
                status = check(lib.epode_contact_has(self._pointer(), utf8(jid), utf8(feature)))
                if status != Status.AGAIN:
                    return status == Status.OK
                await self._within(known, timeout)

    def chat_state(self, jid: str, state: ChatState) -> bool:
        """Tells a peer how we are with the conversation, where it is known that the peer understands. False: nothing was
        sent for that, or it was told already."""
        return check(lib.epode_chat_state_send(self._pointer(), utf8(jid), int(state))) == Status.OK

    # --- blocking ----------------------------------------------------------------------------------------------

    async def block(self, *jids: str) -> None:
        """Blocks JIDs: a whole domain, an account, or one resource. The store follows by a BlockingEvent."""
        array = Strings()
        names = array.array(list(jids))
        await self._ask(lambda done, user, number: lib.epode_block(
            self._pointer(), names, len(jids), done, user, number))

    async def unblock(self, *jids: str) -> None:
        """The way back; none: everybody."""
        array = Strings()
        names = array.array(list(jids))
        await self._ask(lambda done, user, number: lib.epode_unblock(
            self._pointer(), names, len(jids), done, user, number))

    def blocked(self) -> list[str]:
        """The blocked JIDs, as the server last said."""
        return self.store.blocked()

