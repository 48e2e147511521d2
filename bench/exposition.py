# SPDX-License-Identifier: Apache-2.0
"""Prometheus text read: nanoseconds a sample, over what a real node_exporter tells. No peer: nothing in Debian reads such text and does no
more (promtool looks at names too, VictoriaMetrics stores). The target: 200 exporters of 1,000 samples each 10 s for 1 % of a core."""
import os
import re
import subprocess

from bench import figure
from fake_exporter import RealExporter

ROUNDS, COPIES = 9, 20


def told():
    with RealExporter() as exporter:
        return exporter.scrape()


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
