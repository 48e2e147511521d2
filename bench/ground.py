# SPDX-License-Identifier: Apache-2.0
"""CPU of door `ground` over 10,000 readings of 200 nodes (50 metrics each), with the inventory of as
many nodes in the site facts: texts of several kinds, the median and the 99th percentile."""
import os
import shutil
import subprocess
import tempfile

from bench import ROOT, figure

HERE = os.path.dirname(os.path.realpath(__file__))
ROUNDS, CALLS, NODES, TARGET_US = 3, 400, 200, 2000


def house(folder):
    lines = []
    for n in range(1, NODES + 1):
        name = "node%03d" % n
        lines += ['node("%s", "10.0.%d.%d", "the node of row %d").' % (name, n // 200, n % 200 + 1, n),
                  'node_role("%s", server).' % name, 'node_memory("%s", 32768).' % name,
                  'node_cores("%s", 8).' % name, 'node_power("%s", 30, 200).' % name,
                  'node_volatility("%s", stable).' % name]
        if n % 4 == 0:
            lines.append('node_gpu("%s", "RTX 5080", 16303, 16). node_can("%s", cuda).' % (name, name))
    with open(os.path.join(folder, "house.pl"), "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


def main():
    folder = tempfile.mkdtemp()
    try:
        house(folder)
        medians, highs = {}, {}
        for _ in range(ROUNDS):
            out = subprocess.run(["swipl", "-q", "-O", "-f", "none", "-F", "none",
                                  os.path.join(HERE, "ground.pl"), os.path.join(ROOT, "kb"), folder,
                                  str(CALLS)], check=True, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, text=True).stdout
            rows = [line.split() for line in out.splitlines()]
            assert rows[0] == ["readings", str(50 * NODES)], rows
            for name, median, high in rows[1:]:
                medians.setdefault(name, []).append(float(median))
                highs.setdefault(name, []).append(float(high))
        for name in medians:
            figure("ground_" + name, medians[name], "us_cpu", target=TARGET_US)
            figure("ground_%s_p99" % name, highs[name], "us_cpu")
    finally:
        shutil.rmtree(folder)
