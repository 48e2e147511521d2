# SPDX-License-Identifier: Apache-2.0
"""Prometheus text read: nanoseconds a sample, over what a real node_exporter tells. No peer: nothing in Debian reads such text and does no
more (promtool looks at names too, VictoriaMetrics stores). The target: 200 exporters of 1,000 samples each 10 s for 1 % of a core."""
import os
import re
import subprocess
import time
import urllib.request

from bench import figure
from node import free_port

ROUNDS, COPIES = 9, 20


def told():
    port = free_port()
    child = subprocess.Popen(["prometheus-node-exporter", "--web.listen-address=127.0.0.1:%d" % port], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                return urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=10).read().decode()
            except OSError:
                time.sleep(0.05)
    finally:
        child.kill()
        child.wait()
    raise RuntimeError("prometheus-node-exporter does not answer")


def copies(text, count):
    """The text so many times, each copy with names of its own: a family may come once only."""
    out = []
    for i in range(count):
        renamed = re.sub(r"(?m)^(# (?:HELP|TYPE) )(?=\S)", r"\g<1>copy%d_" % i, text)
        out.append(re.sub(r"(?m)^(?=[a-zA-Z_])", "copy%d_" % i, renamed))
    return "".join(out).encode()


def main():
    echo = os.path.join(os.environ["BENCH_BUILD"], "src/2_wire/exposition/exposition_echo")
    text = copies(told(), COPIES)
    ours = []
    for _ in range(ROUNDS):
        samples, best_ns = map(int, subprocess.run([echo, "-n"], input=text, stdout=subprocess.PIPE, check=True).stdout.split())
        ours.append(best_ns / samples)
    print("# %d samples in %d bytes" % (samples, len(text)))
    figure("exposition_read", ours, "ns/sample", target=500)
