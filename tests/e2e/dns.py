"""A name server for the tests: answers from a table, or with a failure, or not at all."""
import socket
import struct
import threading

TYPES = {"A": 1, "AAAA": 28, "SRV": 33}


def encode_name(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".") if p) + b"\0"


def encode(kind, value):
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    priority, weight, port, target = value
    return struct.pack(">HHH", priority, weight, port) + encode_name(target)


class Dns:
    """records: {(name, type): [values] or "servfail" or "silent"}; everything else is NXDOMAIN."""

    def __init__(self, records, ttl=300):
        self.records, self.ttl, self.asked = records, ttl, []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.sock.close()

    def _serve(self):
        while True:
            try:
                packet, peer = self.sock.recvfrom(2048)
                answer = self._answer(packet)
                if answer:
                    self.sock.sendto(answer, peer)
            except OSError:
                return

    def _answer(self, packet):
        at, labels = 12, []
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode())
            at += 1 + packet[at]
        at += 1
        number = struct.unpack(">H", packet[at:at + 2])[0]
        kind = {v: k for k, v in TYPES.items()}.get(number)
        question = packet[12:at + 4]
        name = ".".join(labels)
        self.asked.append((name, kind))
        found = self.records.get((name, kind))
        known = any(n == name for n, _ in self.records)
        if found == "silent":
            return None
        code = 2 if found == "servfail" else 0 if found or known else 3
        values = found if isinstance(found, list) else []
        out = packet[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(values), 0, 0) + question
        for value in values:
            data = encode(kind, value)
            out += b"\xc0\x0c" + struct.pack(">HHIH", number, 1, self.ttl, len(data)) + data
        return out
