"""The catch-up of tests/bench/run from Prosody, in the folder and on the link of tests/interop."""
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "interop"), os.path.join(HERE, "..", "support")]
import catchup  # noqa: E402
import link as links  # noqa: E402
import measuring  # noqa: E402
import scenarios  # noqa: E402
import servers  # noqa: E402

HALF_RTT_S = 0.05


def client(bench, place, to, n):
    db = bench.path("prosody.db")
    measuring.remove(db)
    host, port = to
    argv = [place.program, "connect", "alice@localhost", "--host", host, "--port", str(port), "--tls", "direct", "--ca",
            place.server.ca, "--db", db, "--json", "--limit", "0", "--timeout", "600", "--no-search"]
    result = measuring.measured(argv, servers.USERS["alice"])
    summary = measuring.summary_of(result)
    if summary["new_messages"] != n or summary["holes"]:
        raise SystemExit(f"Prosody: {summary['new_messages']} of {n}, {summary['holes']}")
    return result


def run(bench, sizes, program):
    root = servers.image_of(servers.Prosody)
    if not root:
        raise SystemExit("the bench against Prosody needs root and the image of tests/interop")
    links.enter_namespace()
    link = links.open_link(HALF_RTT_S)
    server = servers.Prosody(root, ["127.0.0.1", *link.listens_on()])
    directory = tempfile.mkdtemp(prefix="epode-bench-")
    try:
        server.start()
        place = scenarios.Place(os.path.abspath(program), server, link, directory)
        held = 0
        for n in sorted(sizes):
            catchup.exchange(place, n - held, presence=True)
            catchup.archive_of(place, "alice", n)
            held = n
            bench.row("Prosody, no delay", n, [client(bench, place, ("127.0.0.1", server.direct), n)])
            bench.row("Prosody, 100 ms", n, [client(bench, place, link.to_far(server.direct), n)])
    finally:
        server.stop()
        link.close()
        shutil.rmtree(directory, ignore_errors=True)
