# SPDX-License-Identifier: Apache-2.0
"""telemetry_peer_test.py TELEMETRY_SHOW — beside the real prometheus-node-exporter on this machine: each of our families is one of its
own, of the same kind and with the same series, and each value lies between two of its, taken before and after (with a little room)."""
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

SHOW = sys.argv[1]
EXPORTER = shutil.which("prometheus-node-exporter")
POINTS = "^/(dev|proc|run|sys|var/lib/docker|var/lib/containers/storage)($|/)"  # Debian's leaves out /mnt and /media too
LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$')


def read(text):
    kinds, values = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            kinds[name] = kind
        elif line and not line.startswith("#"):
            name, labels, value = LINE.match(line).groups()
            labels = frozenset(re.findall(r'([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"', labels or ""))
            values[name, labels] = float(value)
    return kinds, values


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def between(before, ours, after):
    """Counters grow; gauges wander: a fifth of them and a little beside it is close enough to be the same thing."""
    low, high = min(before, after), max(before, after)
    room = 0.2 * max(abs(low), abs(high)) + 4096
    return low - room <= ours <= high + room


def mounted(path):
    with open(path) as mounts:
        return {line.split()[1] for line in mounts}


def compare(theirs_before, ours, theirs_after):
    problems, compared = [], 0
    kinds, values = ours
    for_us = mounted("/proc/self/mounts") - mounted("/proc/1/mounts")  # it looks at those of the first process
    values = {(name, labels): value for (name, labels), value in values.items() if not for_us & set(dict(labels).values())}
    for name, kind in kinds.items():
        if theirs_before[0].get(name) != kind:
            problems.append("family %s is %s, there %s" % (name, kind, theirs_before[0].get(name)))
    for (name, labels), value in values.items():
        before, after = theirs_before[1].get((name, labels)), theirs_after[1].get((name, labels))
        if before is None or after is None:
            problems.append("no such series there: %s %s" % (name, dict(labels)))
        elif not between(before, value, after):
            problems.append("%s %s: %g, there %g and %g" % (name, dict(labels), value, before, after))
        else:
            compared += 1
    for name, kind in kinds.items():
        missing = {labels for n, labels in theirs_before[1] if n == name and ("device", "lo") not in labels}
        missing -= {labels for n, labels in values if n == name}
        if missing:
            problems.append("series of %s that we lack: %s" % (name, [dict(labels) for labels in missing]))
    return problems, compared


def main():
    if not EXPORTER:
        print("1..0 # SKIP no prometheus-node-exporter on this machine")
        return 0
    port = free_port()
    exporter = subprocess.Popen([EXPORTER, "--web.listen-address=127.0.0.1:%d" % port,
                                 "--collector.filesystem.mount-points-exclude=" + POINTS], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def scrape():
            return read(urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=10).read().decode())
        for _ in range(200):
            try:
                scrape()
                break
            except OSError:
                time.sleep(0.05)
        for attempt in range(3):  # a disk or an interface may come between two looks
            before = scrape()
            ours = read(subprocess.run([SHOW], check=True, stdout=subprocess.PIPE, text=True).stdout)
            problems, compared = compare(before, ours, scrape())
            if not problems:
                break
    finally:
        exporter.kill()
        exporter.wait()
    for problem in problems:
        print("# " + problem)
    print("# %d series in %d families compared" % (compared, len(ours[0])))
    print("%s 1 - our families and series are node_exporter's and the values agree" % ("not ok" if problems or compared < 100 else "ok"))
    print("1..1")
    return 1 if problems else 0


if __name__ == "__main__":
    assert os.path.exists(SHOW)
    sys.exit(main())
