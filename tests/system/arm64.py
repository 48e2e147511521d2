# SPDX-License-Identifier: Apache-2.0
"""The agent for arm64: cross-built in a root of its own (tools/cross.py), and its unit tests under qemu-user.

What qemu-user does not emulate is named in NOT_EMULATED and not counted; everything else must pass.
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
# test -> why it cannot pass there
NOT_EMULATED = {
    "os_test": "qemu-user takes no seccomp filter: seccomp(2) is refused inside it",
    "exposition_peer_test": "a Python program starts ours itself, without the emulator",
    "net_tls_clients_test": "talks with curl and s_client, which are not in the root",
    "upstream_servers_test": "the same",
    "upstream_tls_test": "its large body over TLS has a patience of its own, too short where emulated and other work share two cores",
    "engine_words_test": "the mark of a child in /proc/PID is the emulator's own",
}


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
    """Each test's word in the log of the last run."""
    with open(os.path.join(ROOT, cross.OUT, "meson-logs/testlog.json")) as f:
        return {re.sub(r".* / ", "", one["name"]): one["result"] for one in map(json.loads, f)}


def failed(by_name):
    return sorted(name for name, result in by_name.items() if result not in ("OK", "SKIP") and name not in NOT_EMULATED)


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
    good = [name for name, result in by_name.items() if result == "OK"]
    for name in ("agent_test", "agent_metrics_test", "engine_test", "net_test", "net_tls_test", "json_test", "telemetry_test", "host_test"):
        equal((name, by_name.get(name)), (name, "OK"))
    print("# %d programs passed in %.0f s; not emulated: %s" % (
        len(good), time.monotonic() - began, ", ".join(sorted(set(NOT_EMULATED) & set(by_name)))))


if __name__ == "__main__":
    tap.run()
