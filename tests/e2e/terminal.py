"""A small terminal: runs a program in a pty and knows what stands on its screen. Standard library only."""
import codecs
import os
import pty
import re
import select
import signal
import struct
import fcntl
import termios
import time
import unicodedata

CONTROL = re.compile(r"\x1b\[([?0-9;]*)([@-~])|\x1b([78=>c])|\x1b[()].")


class Terminal:
    def __init__(self, cmd, env, columns=60, rows=16):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.saved = (0, 0)
        self.region = None
        self.last = " "
        self.pending = ""
        self.unknown = []
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.clear()
            os.environ.update(env, TERM="xterm", LC_ALL="C.UTF-8")
            os.execv(cmd[0], cmd)
        self.size(columns, rows)

    def size(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        """What stood there is gone: the program has to write it anew."""
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.region = None
        self.size(columns, rows)

    def type(self, text):
        os.write(self.fd, text.encode())

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def text(self):
        return "\n".join(self.lines())

    def read(self, seconds):
        """Takes what comes for a while; false: the program has ended."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.fd], [], [], left)[0]:
                break
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            self.put(self.decode(data))
        return True

    def until(self, wanted, timeout=90):
        end = time.monotonic() + timeout
        while not wanted(self):
            alive = self.read(0.05)
            if time.monotonic() > end or (not alive and not wanted(self)):
                raise AssertionError("the screen shows:\n" + self.text())

    def wait_text(self, text, timeout=90):
        self.until(lambda t: text in t.text(), timeout)

    def wait(self, timeout=90):
        """The exit code."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("still running:\n" + self.text())

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    # What the program writes.

    def put(self, text):
        text = self.pending + text
        self.pending = ""
        at = 0
        while at < len(text):
            c = text[at]
            if c == "\x1b":
                m = CONTROL.match(text, at)
                if not m:
                    if len(text) - at < 12:
                        self.pending = text[at:]
                        return
                    self.unknown.append(text[at:at + 6])
                    at += 1
                    continue
                self.control(m)
                at = m.end()
                continue
            self.character(c)
            at += 1

    def character(self, c):
        if c == "\r":
            self.x = 0
        elif c == "\n":
            self.feed()
        elif c == "\b":
            self.x = max(0, min(self.x, self.columns - 1) - 1)
        elif ord(c) < 32:
            if c != "\a":
                self.unknown.append(c)
        else:
            if self.x >= self.columns:  # the last column is left only when more comes
                self.x = 0
                self.feed()
            self.cells[self.y][self.x] = c
            self.last = c
            self.x += 1
            if unicodedata.east_asian_width(c) in "WF" and self.x < self.columns:
                self.cells[self.y][self.x] = ""
                self.x += 1

    def feed(self):
        top, end = self.region or (0, self.rows - 1)
        if self.y == end:
            del self.cells[top]
            self.cells.insert(end, [" "] * self.columns)
        else:
            self.y = min(self.y + 1, self.rows - 1)

    def shift(self, how, n):
        """Lines are put in or taken out, within the region that scrolls."""
        top, end = self.region or (0, self.rows - 1)
        top = self.y if how in "LM" else top
        for _ in range(n):
            if how in "LT":
                del self.cells[end]
                self.cells.insert(top, [" "] * self.columns)
            else:
                del self.cells[top]
                self.cells.insert(end, [" "] * self.columns)

    def control(self, m):
        if m[3] == "7":
            self.saved = (self.x, self.y)
        elif m[3] == "8":
            self.x, self.y = self.saved
        if m[2] is None or m[1].startswith("?") or m[2] in "mhlt":
            return
        n = int(m[1].split(";")[0] or 0)
        row = self.cells[self.y]
        x = min(self.x, self.columns - 1)
        if m[2] == "A":
            self.y = max(0, self.y - max(n, 1))
        elif m[2] == "B":
            self.y = min(self.rows - 1, self.y + max(n, 1))
        elif m[2] == "C":
            self.x = min(self.columns - 1, self.x + max(n, 1))
        elif m[2] == "D":
            self.x = max(0, x - max(n, 1))
        elif m[2] == "G":
            self.x = max(n, 1) - 1
        elif m[2] in "JK":
            if n == 0:
                row[x:] = [" "] * (self.columns - x)
            if m[2] == "J":
                for y in range(self.y + 1 if n == 0 else 0, self.rows):
                    self.cells[y] = [" "] * self.columns
        elif m[2] == "P":
            del row[x:x + max(n, 1)]
            row += [" "] * (self.columns - len(row))
        elif m[2] == "@":
            row[x:x] = [" "] * max(n, 1)
            del row[self.columns:]
        elif m[2] == "H":
            place = [int(n or 1) for n in (m[1] or "1;1").split(";")] + [1]
            self.y, self.x = min(place[0], self.rows) - 1, min(place[1], self.columns) - 1
        elif m[2] == "d":
            self.y = min(max(n, 1), self.rows) - 1
        elif m[2] == "X":
            row[x:x + max(n, 1)] = [" "] * (min(x + max(n, 1), self.columns) - x)
        elif m[2] == "b":
            for _ in range(max(n, 1)):
                self.character(self.last)
        elif m[2] == "r":
            top, end = ([int(n or 0) for n in m[1].split(";")] + [0])[:2]
            self.region = (max(top, 1) - 1, (end or self.rows) - 1)
            self.x = self.y = 0
        elif m[2] in "LMST":
            self.shift(m[2], max(n, 1))
        else:
            self.unknown.append(m[0])
