# SPDX-License-Identifier: Apache-2.0
"""Rules whose alerts do not wait: with_fast_rules(folder) is the --kb of a node."""
import os
import re
import shutil

from node import ROOT


def with_fast_rules(folder):
    """A copy of the rules in which a hot GPU is told at once and is over soon."""
    kb = os.path.join(folder, "fast")
    shutil.copytree(os.path.join(ROOT, "kb"), kb)
    path = os.path.join(kb, "core/3_rules/conditions.pl")
    text = open(path).read()
    fast = re.sub(r"(alert_condition\(gpu_hot,.*?)\[ for_s\(\d+\), clear_s\(\d+\) \]", r"\1[ for_s(0), clear_s(1) ]", text, flags=re.S)
    assert fast != text
    with open(path, "w") as f:
        f.write(fast)
    return kb
