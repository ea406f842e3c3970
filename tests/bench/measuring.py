"""What a program costs."""
import json
import os
import subprocess

BUILD = os.environ.get("EPODE_BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "build", "release"))
MEASURE = os.path.join(BUILD, "tests", "bench-measure")


def measured(cmd, password=None):
    """Runs it; (output, processor seconds, wall seconds, peak resident kB)."""
    env = dict(os.environ, EPODE_PASSWORD=password or "")
    p = subprocess.run([MEASURE] + cmd, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env, check=False)
    if p.returncode:
        raise SystemExit(f"{cmd[0]} failed with {p.returncode}: {p.stdout}{p.stderr}")
    cpu, wall, rss = p.stderr.splitlines()[-1].split()
    return p.stdout, float(cpu), float(wall), int(rss)


def remove(db):
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(db + suffix):
            os.unlink(db + suffix)


def summary_of(result):
    return json.loads(result[0].splitlines()[-1])
