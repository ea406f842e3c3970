"""Sends one message and ends when the server has it: for a script that has something to say.

    EPODE_PASSWORD=... python3 notifier.py JID PEER TEXT [STORE]

With a STORE the message survives a failure: it is sent by the next one."""
import os
import sys
from typing import Optional

import epode
from epode import blocking


def main(jid: str, peer: str, text: str, store: Optional[str] = None) -> None:
    with blocking.Client(jid, os.environ.get("EPODE_PASSWORD"), store=store, host=os.environ.get("EPODE_HOST"),
                         port=int(os.environ.get("EPODE_PORT", "0")), ca_file=os.environ.get("EPODE_CA")) as client:
        client.ready(timeout=30)
        client.send(peer, text, wait=True, timeout=30)


try:
    main(*sys.argv[1:5])
except epode.Error as error:
    sys.exit(f"not sent: {error}")
