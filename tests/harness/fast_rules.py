# SPDX-License-Identifier: Apache-2.0
"""Rules whose alerts do not wait: with_fast_rules(folder) is the --kb of a node."""
import os
import re
import shutil

from node import ROOT

FAST = ("gpu_hot", "backup_old", "backup_unknown")


def with_fast_rules(folder):
    """A copy of the rules in which a hot GPU, or a bad backup, is told at once and is over soon."""
    kb = os.path.join(folder, "fast")
    shutil.copytree(os.path.join(ROOT, "kb"), kb)
    path = os.path.join(kb, "core/3_rules/conditions.pl")
    text = open(path).read()
    for condition in FAST:
        row = r"(alert_condition\(%s,.*?)\[ for_s\(\d+\), clear_s\(\d+\) \]" % condition
        text, count = re.subn(row, r"\1[ for_s(0), clear_s(1) ]", text, count=1, flags=re.S)
        assert count == 1, condition
    with open(path, "w") as f:
        f.write(text)
    return kb
