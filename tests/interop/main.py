"""Starts the servers, plays the scenarios, prints a table per server. Called by run."""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import jabberd  # noqa: E402,F401
import link as links  # noqa: E402
import scenarios  # noqa: E402
import servers  # noqa: E402

HEAD = ("scenario", "", "waits", "dns/tcp/tls/xmpp", "ready ms", "bind", "mechanism", "token", "TLS resumed", "note")
FORMAT = "  {:<29} {:<6} {:>5} {:<16} {:>8}  {:<8} {:<18} {:<8} {:<12} {}"


def row(name, ok, s, seconds):
    if not s:
        return FORMAT.format(name, ok, *[""] * 7, f"{seconds:.1f} s").rstrip()
    w = s["waits"]
    return FORMAT.format(name, ok, w["total"], "/".join(str(w[k]) for k in ("dns", "tcp", "tls", "xmpp")),
                         f"{s['ready_ms']:.1f}", s["bind"], s["mechanism"], s["token"],
                         "yes" if s["tls"]["resumed"] else "no", s.get("note", "")).rstrip()


def play(args, kind, link):
    server = kind(args.roots[kind.release], ["127.0.0.1", *link.listens_on()])
    directory = tempfile.mkdtemp(prefix="epode-interop-")
    failures = []
    try:
        server.start()
        print(f"\n{server.name} {server.version()}\n" + FORMAT.format(*HEAD), flush=True)
        place = scenarios.Place(args.program, server, link, directory)
        for name, scenario in scenarios.of(kind):
            if args.only and args.only not in name:
                continue
            why, summary, seconds = scenarios.run(name, scenario, place)
            print(row(name, "FAILED" if why else "ok", summary, seconds), flush=True)
            failures.append((name, why))
    except RuntimeError as failure:
        failures.append(("start", str(failure)))
    finally:
        server.stop(args.keep)
        if args.keep:
            print(f"  databases are in {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    for name, why in failures:
        if why:
            print(f"  {name}: {why}")
    return [why for _, why in failures]


def side_by_side(args, groups):
    """Each group in a process of its own, which has its own network. Results are printed in order, whole groups."""
    options = [word for release, root in args.roots.items() for word in ("--root", f"{release}={root}")]
    options += ["--program", args.program] + (["--only", args.only] if args.only else []) + (["--keep"] if args.keep else [])
    outputs = [tempfile.TemporaryFile("w+") for _ in groups[1:]]
    running = [subprocess.Popen([sys.executable, __file__, *options, *names], stdout=output, text=True)
               for names, output in zip(groups, [subprocess.PIPE, *outputs])]
    passed = failed = 0

    def show(lines):
        nonlocal passed, failed
        for line in lines:
            counts = re.fullmatch(r"(\d+) passed, (\d+) failed\n", line)
            if counts:
                passed, failed = passed + int(counts[1]), failed + int(counts[2])
            else:
                print(line, end="", flush=True)
    try:
        show(running[0].stdout)
        codes = [process.wait() for process in running]
    finally:
        for process in running:
            process.terminate()
            process.wait()
    for output in outputs:
        output.seek(0)
        show(output)
    if any(codes) and not failed:
        failed = 1  # one did not come as far as its counts
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", action="append", required=True, metavar="RELEASE=FOLDER")
    parser.add_argument("--program", default="build/release/samples/epode")
    parser.add_argument("--only", help="scenarios with this in their name")
    parser.add_argument("--keep", action="store_true", help="leave configuration, logs and databases")
    parser.add_argument("server", nargs="*", default=list(servers.KINDS), help=", ".join(servers.KINDS))
    args = parser.parse_args()
    args.program = os.path.abspath(args.program)
    args.roots = dict(root.split("=", 1) for root in args.root)
    try:
        subprocess.run([args.program, "--version"], check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"interop: {error}; build it first (scripts/test does)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped then, too
    groups = {}
    for name in args.server:
        groups.setdefault(servers.KINDS[name].package, []).append(name)
    if len(groups) > 1:
        return side_by_side(args, list(groups.values()))
    links.enter_namespace()
    link = links.open_link(scenarios.DELAY_S)
    try:
        results = [r for name in args.server for r in play(args, servers.KINDS[name], link)]
    finally:
        link.close()
    failed = sum(r is not None for r in results)
    print(f"\n{len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


sys.exit(main())
