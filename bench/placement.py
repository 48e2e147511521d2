# SPDX-License-Identifier: Apache-2.0
"""Where the next load goes: 50 nodes, 200 loads, on one core without a node around it. Use kept per
node and one pass, against the full join over all loads in the same process (same answer)."""
import os
import subprocess

from bench import figure

HERE = os.path.dirname(os.path.realpath(__file__))
ROUNDS, CALLS = 5, 2000


def main():
    rows = []
    for _ in range(ROUNDS):
        out = subprocess.run(["swipl", "-q", "-O", "-f", "none", "-F", "none",
                              os.path.join(HERE, "placement.pl"), str(CALLS)], check=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout
        rows.append([float(word) for word in out.split()])
    best, ranked, built, join, summed = (list(column) for column in zip(*rows))
    figure("placement_best", best, "us_cpu", peers=join, target=10, of="ratio")
    figure("placement_ranked", ranked, "us_cpu", peers=join)
    figure("placement_best_from_facts", built, "us_cpu", peers=join)
    figure("placement_sums_by_index", summed, "us_cpu", peers=join)
