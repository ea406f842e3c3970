"""Prosody and ejabberd in a folder with a release of Debian, one directory of state per run."""

import glob
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time

DOMAIN, ROOMS, UPLOAD = "localhost", "rooms.localhost", "upload.localhost"
LARGEST = 100000  # bytes of an upload
USERS = {"alice": "alice-pw", "bob": "bob-pw", "carol": "carol-pw"}

PROSODY = """
data_path = "{dir}/data"
pidfile = "{dir}/prosody.pid"
plugin_paths = {{}}
log = {{ debug = "{dir}/server.log" }}
interfaces = {{ {addresses} }}
c2s_ports = {{ {starttls} }}
c2s_direct_tls_ports = {{ {direct} }}
modules_enabled = {{
    "disco", "roster", "saslauth", "tls", "ping", "presence", "message", "iq", "offline", "blocklist", "pep", "time",
    "carbons", "smacks", "csi", "csi_simple", "mam", "cloud_notify"{more}
}}
modules_disabled = {{ "s2s" }}
authentication = "internal_hashed"
c2s_require_encryption = true
-- Nagle's algorithm would hold every answer back for 40 ms; without tickets TLS could not be resumed.
network_settings = {{ nagle = false }}
storage_archive_item_limit = 100000
ssl = {{ key = "{dir}/key.pem", certificate = "{dir}/cert.pem", options = {{ no_ticket = false }} }}
http_ports = {{ }}
https_ports = {{ {https} }}
https_interfaces = {{ "127.0.0.1" }}
VirtualHost "{domain}"
Component "{upload}" "http_file_share"
    http_host = "{domain}"
    http_external_url = "https://{domain}:{https}/"
    http_file_share_size_limit = {largest}
Component "{rooms}" "muc"
    modules_enabled = {{ "muc_mam" }}
"""

EJABBERD = """
hosts: ["{domain}"]
loglevel: info
certfiles: ["{dir}/both.pem"]
auth_method: internal
auth_password_format: scram
auth_scram_hash: sha256
# Mnesia takes longer for each message that an archive already has; nobody may be slowed down on purpose either.
sql_type: sqlite
sql_database: "{dir}/archive.db"
shaper: {{}}
listen:
{listen}
modules:{more}
  mod_blocking: {{}}
  mod_carboncopy: {{}}
  mod_client_state: {{}}
  mod_disco: {{}}
  mod_http_upload:
    {{host: "{upload}", put_url: "https://@HOST@:{https}/upload", docroot: "{dir}/uploads", max_size: {largest}, access: all}}
  mod_mam: {{default: always, db_type: sql}}
  mod_muc: {{host: "{rooms}", default_room_options: {{mam: true, persistent: true}}}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_caps: {{}}
  mod_privacy: {{}}
  mod_push: {{}}
  mod_pubsub: {{plugins: [flat, pep]}}
  mod_roster: {{versioning: true}}
  mod_stream_mgmt: {{}}
"""

EJABBERD_HTTPS = """\
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_http, tls: true, request_handlers: {{/upload: mod_http_upload}}}}
"""

EJABBERD_LISTEN = """\
  - {{port: {port}, ip: "{address}", module: ejabberd_c2s, {tls}: true, max_stanza_size: 262144}}
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificates(directory):
    """ca.pem, key.pem, cert.pem, and both.pem as ejabberd wants it."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    with open(os.path.join(directory, "ext"), "w") as f:
        f.write(f"subjectAltName=DNS:{DOMAIN}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
    openssl(directory, "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
            "-subj", "/CN=epode interop")
    openssl(directory, "req", "-new", *curve, "-keyout", "key.pem", "-out", "csr.pem", "-subj", f"/CN={DOMAIN}")
    openssl(directory, "x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-extfile", "ext", "-days", "30", "-out", "cert.pem")
    with open(os.path.join(directory, "both.pem"), "w") as out:
        for name in ("cert.pem", "key.pem"):
            with open(os.path.join(directory, name)) as f:
                out.write(f.read())


class Server:
    """addresses: where it listens, the first one first. Its files are in self.path on this side of the chroot and in
    self.dir on the other."""

    silent = False
    archived, kills = 5000, 12  # of the scenarios of catch-up
    publishes = True            # takes the publish options of XEP-0490
    login = ()                  # options of the program that its logins need
    scenarios = None            # its own; None: those that hold for all

    def __init__(self, root, addresses):
        self.root, self.addresses = root, addresses
        self.path = tempfile.mkdtemp(prefix="epode-", dir=os.path.join(root, "var/tmp"))
        os.chmod(self.path, 0o755)
        self.dir = "/" + os.path.relpath(self.path, root)
        self.ca = os.path.join(self.path, "ca.pem")
        self.starttls, self.direct, self.https = free_ports(3)
        self.process = None

    def inside(self, *argv):
        return ["chroot", f"--userspec={self.user}:{self.user}", self.root, *argv]

    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.dir, "LANG": "C.UTF-8"}

    def write(self, name, text):
        with open(os.path.join(self.path, name), "w") as f:
            f.write(text)

    def version(self):
        return subprocess.run(["chroot", self.root, "dpkg-query", "-W", "-f", "${Version}", self.package],
                              check=True, capture_output=True, text=True).stdout.split("-")[0]

    def start(self):
        make_certificates(self.path)
        self.configure()
        subprocess.run(["chroot", self.root, "chown", "-R", f"{self.user}:{self.user}", self.dir], check=True)
        self.before_start()
        self.run()

    def run(self):
        with open(os.path.join(self.path, "output.log"), "a") as log:
            self.process = subprocess.Popen(self.inside(*self.command()), env=self.environment(), stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        for address in self.addresses:
            for port in (self.starttls, self.direct):
                self.wait_for(lambda a=address, p=port: self.listens(a, p))
        self.wait_for(self.is_ready)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def before_start(self):
        pass

    def is_ready(self):
        return True

    def listens(self, address, port):
        try:
            socket.create_connection((address, port), 1).close()
            return True
        except OSError:
            return False

    def wait_for(self, condition):
        deadline = time.monotonic() + 90
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} did not start\n{self.log_tail()}")
            time.sleep(0.05)

    def log_tail(self, lines=25):
        text = ""
        for name in ("output.log", "server.log"):
            try:
                with open(os.path.join(self.path, name), errors="replace") as f:
                    text += "".join(f.readlines()[-lines:])
            except OSError:
                pass
        return text

    def stop(self, keep=False):
        self.end()
        if keep:
            print(f"  {self.name}: configuration and logs are in {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)


class Prosody(Server):
    """With SASL2, Bind 2 and FAST."""

    release, package, user, name = "trixie", "prosody", "prosody", "Prosody"
    modern, bears_stanzas, kill_within_s = True, True, 1.0
    warm_waits, resumed_waits = 1, 1
    diagnosis = {"sasl2": "ok", "bind2": "ok", "fast": "ok", "one-wait": "ok", "nagle": "ok", "tls-resumption": "ok"}
    modules = ("sasl2", "sasl2_bind2", "sasl2_sm", "sasl2_fast")

    def configure(self):
        os.mkdir(os.path.join(self.path, "data"))
        self.write("server.cfg.lua", PROSODY.format(
            dir=self.dir, domain=DOMAIN, rooms=ROOMS, upload=UPLOAD, largest=LARGEST, starttls=self.starttls,
            direct=self.direct, https=self.https, addresses=", ".join(f'"{a}"' for a in self.addresses),
            more="".join(f', "{m}"' for m in self.modules)))

    def before_start(self):
        for user, password in USERS.items():
            subprocess.run(self.inside("/usr/bin/prosodyctl", "--config", f"{self.dir}/server.cfg.lua", "register", user,
                                       DOMAIN, password), env=self.environment(), check=True, capture_output=True)

    def command(self):
        return ["/usr/bin/prosody", "-F", "--config", f"{self.dir}/server.cfg.lua"]


class OldProsody(Prosody):
    """RFC 6120 only."""

    release, modern, bears_stanzas, modules = "bookworm", False, False, ()
    archived, kills = 1000, 4
    warm_waits, resumed_waits = 3, 3
    diagnosis = {"sasl2": "warn", "one-wait": "warn", "tls-resumption": "ok"}


class SilentProsody(OldProsody):
    """mod_sasl2 wants a newer Prosody: every stream gets a header, and then nothing."""

    name, modules, silent = "Prosody, with mod_sasl2", ("sasl2",), True


class Ejabberd(Server):
    """With SASL2, Bind 2 and FAST."""

    release, package, user, name = "trixie", "ejabberd", "ejabberd", "ejabberd"
    modern, bears_stanzas, kill_within_s = True, True, 0.15
    warm_waits, resumed_waits = 1, 1
    diagnosis = {"sasl2": "ok", "fast": "ok", "one-wait": "ok", "tls-tickets-unusable": "warn", "csi": "ok"}
    modules = ("mod_auth_fast",)

    def configure(self):
        listen = "".join(EJABBERD_LISTEN.format(port=port, address=a, tls=tls) for a in self.addresses
                         for port, tls in ((self.starttls, "starttls_required"), (self.direct, "tls")))
        listen += EJABBERD_HTTPS.format(port=self.https)
        with sqlite3.connect(os.path.join(self.path, "archive.db")) as db:
            db.execute("PRAGMA journal_mode = WAL")  # stays so; it is some times faster
        self.write("server.yml", EJABBERD.format(
            dir=self.dir, domain=DOMAIN, rooms=ROOMS, upload=UPLOAD, largest=LARGEST, https=self.https, listen=listen,
            more="".join(f"\n  {m}: {{}}" for m in self.modules)))

    def environment(self):
        triplet = os.path.dirname(glob.glob(self.root + "/usr/lib/*/ejabberd-*")[0])
        return {**super().environment(), "ERL_LIBS": "/" + os.path.relpath(triplet, self.root),
                "ERL_INETRC": "/etc/ejabberd/inetrc", "ERL_CRASH_DUMP": "/dev/null",
                "EJABBERD_CONFIG_PATH": f"{self.dir}/server.yml", "EJABBERD_LOG_PATH": f"{self.dir}/server.log"}

    def command(self):
        # Not ejabberdctl: it would start the port mapper, which outlives the server. So the users are registered
        # from within.
        users = "".join(f'ejabberd_auth:try_register(<<"{u}">>, <<"{DOMAIN}">>, <<"{p}">>), '
                        for u, p in USERS.items())
        return ["/usr/bin/erl", "-noinput", "-mnesia", "dir", f'"{self.dir}/data"', "-s", "ejabberd",
                "-eval", f'{users}ok = file:write_file("{self.dir}/users", "").']

    def is_ready(self):
        return os.path.exists(os.path.join(self.path, "users"))


class OldEjabberd(Ejabberd):
    """RFC 6120 only."""

    release, modern, bears_stanzas, modules = "bookworm", False, False, ()
    archived, kills, publishes = 1000, 4, False
    warm_waits, resumed_waits = 3, 3
    diagnosis = {"sasl2": "warn", "one-wait": "warn", "tls-tickets-unusable": "warn",
                 "channel-binding-refused": "warn"}


KINDS = {"prosody": Prosody, "ejabberd": Ejabberd, "old-prosody": OldProsody, "old-ejabberd": OldEjabberd,
         "silent-prosody": SilentProsody}


def image_of(kind):
    """The folder that kind runs in, made if need be; None: it cannot be had here."""
    maker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "image")
    if os.geteuid() != 0:
        return None
    made = subprocess.run([maker, kind.release], stdout=subprocess.PIPE, text=True, check=False)
    return made.stdout.strip() if made.returncode == 0 else None
