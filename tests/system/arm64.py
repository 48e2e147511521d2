# SPDX-License-Identifier: Apache-2.0
"""The agent for arm64: cross-built in a root of its own (tools/cross.py), and its unit tests under qemu-user.

Every program of them runs and passes. What qemu-user cannot do, or the small root does not have, is a case that the program itself
skips by name: each stands in SKIPPED, is counted and shown. Any other skip is a failure here.
"""
import json
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import cross  # noqa: E402
from node import ROOT, Tap, equal  # noqa: E402

tap = Tap()
# program -> (how many of its cases may be skipped, in which words)
SKIPPED = {
    "os_test": (2, "qemu-user refuses seccomp"),
    "exposition_peer_test": (2, "no (promtool|prometheus-node-exporter)"),
    "telemetry_peer_test": (1, "no prometheus-node-exporter"),
    "upstream_servers_test": (1, "no nginx"),
}
SKIP = re.compile(r"^(?:ok\b[^\n#]*|1\.\.0 )# SKIP ([^\n]*)$", re.M)


@tap.test
def logicagent_is_built_for_arm64():
    began = time.monotonic()
    folder = cross.root()
    print("# the root in %.0f s" % (time.monotonic() - began))
    began = time.monotonic()
    code, said = cross.build(folder)
    assert code == 0, said[-3000:]
    print("# built in %.0f s" % (time.monotonic() - began))
    with open(os.path.join(ROOT, cross.OUT, "src/6_program/logicagent"), "rb") as f:
        head = f.read(20)
    equal((head[:4], head[4], head[18:20]), (b"\x7fELF", 2, b"\xb7\x00"))  # 64 bit, EM_AARCH64
    code, said = cross.inside(folder, "qemu-aarch64-static %s/src/6_program/logicagent --version" % cross.OUT)
    equal((code, said.startswith("logicagent ")), (0, True))


def results():
    """{name: (meson's word, [why a case was skipped])} of the last run."""
    with open(os.path.join(ROOT, cross.OUT, "meson-logs/testlog.json")) as f:
        return {re.sub(r".* / ", "", one["name"]): (one["result"], SKIP.findall(one.get("stdout") or "")) for one in map(json.loads, f)}


def failed(by_name):
    return sorted(name for name, (result, _) in by_name.items() if result not in ("OK", "SKIP"))


@tap.test
def its_unit_tests_pass_under_qemu_user():
    folder, began = cross.root(), time.monotonic()
    equal(cross.build(folder)[0], 0)
    cross.tests(folder)
    by_name = results()
    bad = failed(by_name)
    if bad:  # some kill or cancel in the right moment, which is another one here when the machine is busy: once more, one by one
        print("# once more, alone: %s" % ", ".join(bad))
        cross.tests(folder, bad, at_once=1)
        by_name.update(results())
    equal({name: by_name[name] for name in failed(by_name)}, {})
    skipped = {name: why for name, (_, why) in by_name.items() if why}
    for name, why in skipped.items():
        most, words = SKIPPED.get(name, (0, "nothing may be skipped"))
        assert len(why) <= most and all(re.search(words, one) for one in why), (name, why)
        print("# %s, not here: %s" % (name, "; ".join(why)))
    for name in ("agent_test", "agent_metrics_test", "engine_test", "net_test", "net_tls_test", "json_test", "telemetry_test", "host_test"):
        equal((name, by_name.get(name)), (name, ("OK", [])))
    print("# %d programs ran in %.0f s, %d cases of them were skipped" % (
        len(by_name), time.monotonic() - began, sum(map(len, skipped.values()))))


if __name__ == "__main__":
    tap.run()
