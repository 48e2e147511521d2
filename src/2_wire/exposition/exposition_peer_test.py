# SPDX-License-Identifier: Apache-2.0
"""exposition_peer_test.py EXPOSITION_ECHO — the real prometheus-node-exporter (and Prometheus itself) tell, we read and write again: a
second reader, written here in Python, finds the same samples in both texts, and promtool accepts what we wrote."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../tests/harness"))
from fake_exporter import RealExporter  # noqa: E402

ECHO = [*os.environ.get("LN_EXE_WRAPPER", "").split(), sys.argv[1]]  # a program of another machine by its emulator
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? +(\S+)(?: +(-?\d+))?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')
HISTOGRAM = """# HELP wait_seconds A histogram.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.1"} 3
wait_seconds_bucket{le="+Inf"} 7
wait_seconds_sum 12.000000000000002
wait_seconds_count 7
# HELP reply_bytes A summary.
# TYPE reply_bytes summary
reply_bytes{quantile="0.5"} NaN
reply_bytes_sum 1e-300
reply_bytes_count 9
# HELP odd_bytes Labels that need care.
# TYPE odd_bytes gauge
odd_bytes{path="C:\\\\DIR\\\\\\"x\\"\\n{},=#",name="\u00e9\u2603"} -4.5e+15
"""
number = failed = 0


def ok(good, name, detail=""):
    global number, failed
    number += 1
    failed += not good
    print("%s %d - %s" % ("ok" if good else "not ok", number, name), flush=True)
    if not good and detail:
        print("# " + str(detail)[:2000].replace("\n", "\n# "))


def read(text):
    """name and sorted labels: value, as text of a float."""
    samples = {}
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        name, labels, value, _ = LINE.match(line).groups()
        pairs = [(k, re.sub(r'\\.', lambda hit: ESCAPES[hit.group()], v)) for k, v in LABEL.findall(labels or "")]
        key = (name, tuple(sorted(pairs)))
        assert key not in samples, key
        samples[key] = repr(float(value))
    return samples


def ours(text, *flags):
    return subprocess.run([*ECHO, *flags], input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)


def told_by_node_exporter():
    with RealExporter() as exporter:
        return exporter.scrape()


def same(name, text, allowed):
    out = ours(text)
    ok(out.returncode == 0, name + ": every line is read", out.stderr.decode())
    want, got = read(text), read(out.stdout.decode())
    total = sum(float(v) for v in want.values() if v not in ("nan", "inf", "-inf"))
    ok(want == got, name + ": the same %d samples, bit for bit, by a second reader (sum %g)" % (len(want), total),
       sorted(set(want.items()) ^ set(got.items()))[:10])
    count = int(ours(text, "-n").stdout.split()[0])
    ok(count == len(want), name + ": as many counted", count)
    if shutil.which("promtool"):
        check = subprocess.run(["promtool", "check", "metrics"], input=out.stdout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               timeout=60, check=False)
        ok(check.returncode in allowed and b"error while linting" not in check.stdout, name + ": promtool reads what we write",
           check.stdout.decode())
    else:
        ok(True, name + ": promtool # SKIP no promtool")
    return len(want)


same("text with everything", HISTOGRAM, {0})
if shutil.which("prometheus-node-exporter"):
    text = told_by_node_exporter()
    ok(text is not None, "node_exporter answers")
    if text:  # 3: promtool reads it all, and finds some names of node_exporter itself odd
        ok(same("node_exporter", text, {0, 3}) > 200, "node_exporter: hundreds of samples")
        torn = ours(text[:len(text) // 2] + "\x01")
        ok(torn.returncode == 1, "half of it is refused", torn.stderr.decode())
else:
    ok(True, "node_exporter # SKIP no prometheus-node-exporter")
print("1..%d" % number)
sys.exit(failed != 0)
