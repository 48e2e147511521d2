# SPDX-License-Identifier: Apache-2.0
"""What each role must not be able to do, tried by the real role with its real configuration."""
import ctypes
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from node import LOGICCTL, LOGICD, Node, Tap, equal  # noqa: E402

tap = Tap()
SIGNALS_SINCE = 6  # Linux 6.12


def landlock_version():
    """landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) gives the version, or -1."""
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))


def kernel_has_landlock():
    return landlock_version() >= 1


def probe(node, role, *paths):
    """Take the configuration that the running role was given, and start the role's sandbox with it."""
    config = {"home": node.home, "settings": {}}
    version = sorted(os.listdir(os.path.join(node.home, "kb")))[0]
    folder = os.path.join(node.home, "kb", version)
    config.update({
        "judge": {"kb": folder, "site": folder + "/site", "rules": "0" * 64, "site_hash": "0" * 64,
                  "state": node.home + "/state"},
        "gateway": {"listen": "127.0.0.1:0", "socket": node.home + "/run/probe.sock", "web": node.command()[7], "llm": "",
                    "tls_cert": "", "tls_key": "", "tokens": ""},
        "actuator": {"secrets": node.home + "/secrets", "playbooks": node.playbooks()},
        "sensor": {"backup": node.home + "/backup.conf"},
        "ledger": {"folder": node.home + "/ledger-probe"},
    }[role])
    os.makedirs(node.home + "/ledger-probe", exist_ok=True)
    with tempfile.TemporaryFile() as f:
        f.write(json.dumps(config).encode())
        f.seek(0)
        out = subprocess.run(["sh", "-c", 'exec "$0" probe "$@" 4<&0', LOGICD, role, *paths], stdin=f,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert out.returncode == 0, (out.stdout, out.stderr)
    found = json.loads(out.stdout)
    equal(found["signal"], "EPERM" if landlock_version() >= SIGNALS_SINCE else "allowed")  # to the test, which is the same user
    equal(found["landlock"], kernel_has_landlock())  # a role that forgets it must not pass as an old kernel
    if not found["landlock"]:
        print("# this kernel has no Landlock: paths are not proved here")
    return found


@tap.test
def judge_has_no_network_no_exec_and_no_device_secrets():
    with Node() as node:
        secret = node.home + "/secrets/tsig/home"
        found = probe(node, "judge", secret, "/etc/passwd", node.home + "/ledger/ledger.db")
        equal(found["socket"], "EPERM")
        equal(found["exec"], "EPERM")
        equal(found["fork"], "EPERM")
        if found["landlock"]:
            equal(found["open:" + secret], "EACCES")
            equal(found["open:/etc/passwd"], "EACCES")
            equal(found["open:" + node.home + "/ledger/ledger.db"], "EACCES")


@tap.test
def gateway_cannot_execute_and_cannot_open_device_secrets():
    with Node() as node:
        secret = node.home + "/secrets/tsig/home"
        node.stop()  # its databases are open in one gateway at a time
        found = probe(node, "gateway", secret, node.home + "/ledger/ledger.db", node.home + "/keys/owner.pem")
        equal(found["exec"], "EPERM")
        if found["landlock"]:
            equal(found["open:" + secret], "EACCES")
            equal(found["open:" + node.home + "/ledger/ledger.db"], "EACCES")
            equal(found["open:" + node.home + "/keys/owner.pem"], "EACCES")


@tap.test
def gateway_reads_codes_writes_what_waits_and_no_fact():
    with Node(named=False) as node:
        files = {name: node.home + name for name in ("/enrol/codes.json", "/enrol/pending/0123456789abcdef.json", "/site/keys.pl",
                                                     "/run/page.json")}
        for name, path in files.items():
            open(path, "a").close()
        node.stop()
        found = probe(node, "gateway", *files.values())
        if found["landlock"]:
            equal({name: (found["open:" + path], found["write:" + path]) for name, path in files.items()},
                  {"/enrol/codes.json": ("allowed", "EACCES"), "/enrol/pending/0123456789abcdef.json": ("allowed", "allowed"),
                   "/site/keys.pl": ("EACCES", "EACCES"), "/run/page.json": ("allowed", "EACCES")})


@tap.test
def actuator_cannot_listen():
    with Node() as node:
        found = probe(node, "actuator", node.home + "/secrets/tsig/home", node.home + "/ledger/ledger.db")
        equal(found["listen"], "EPERM")
        equal(found["socket"], "allowed")
        equal(found["open:" + node.home + "/secrets/tsig/home"], "allowed")


@tap.test
def sensor_asks_outwards_and_cannot_execute_listen_or_read_what_is_not_its_own():
    with Node(start=False) as node:
        subprocess.run([LOGICCTL, "--home", node.home, "agent", "enroll", "tower", "127.0.0.1", "--out", node.home + "/tower"],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        state = node.home + "/backup-state"
        os.makedirs(state)
        for path, text in (("/backup.conf", "STATE=%s\n" % state), ("/backup-state/status.json", "{}"), ("/restic.password", "x")):
            with open(node.home + path, "w") as f:
                f.write(text)
        node.start()
        closed = [node.home + path for path in (
            "/restic.password", "/backup.conf", "/secrets/tsig/home", "/ledger/ledger.db", "/keys/owner.pem", "/pki/ca.key",
            "/pki/gateway.key", "/pki/actuator.key", "/site/keys.pl", "/run/roles.json")] + [
                "/etc/passwd", "/etc/shadow", "/proc/self/environ"]
        opened = [node.home + "/pki/sensor.key", node.home + "/pki/ca.crt", node.home + "/history", state + "/status.json"]
        found = probe(node, "sensor", *closed, *opened)
        equal((found["socket"], found["listen"], found["exec"], found["fork"]), ("allowed", "EPERM", "EPERM", "EPERM"))
        for path in opened:
            equal((path, found["open:" + path]), (path, "allowed"))
        if found["landlock"]:
            for path in closed:
                equal((path, found["open:" + path]), (path, "EACCES"))


@tap.test
def ledger_opens_nothing_outside_its_folder():
    with Node() as node:
        found = probe(node, "ledger", node.home + "/secrets/tsig/home", "/etc/passwd", node.home + "/ledger-probe")
        equal(found["socket"], "EPERM")
        equal(found["exec"], "EPERM")
        if found["landlock"]:
            equal(found["open:/etc/passwd"], "EACCES")
            equal(found["open:" + node.home + "/secrets/tsig/home"], "EACCES")
            equal(found["open:" + node.home + "/ledger-probe"], "allowed")


@tap.test
def running_roles_are_locked_before_they_read_a_message():
    with Node() as node:
        for role in ("judge", "gateway", "actuator", "sensor", "ledger"):
            status = open("/proc/%d/status" % node.pid(role)).read()
            assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status, (role, status)


@tap.test
def role_cannot_be_started_without_its_supervisor():
    out = subprocess.run([LOGICD, "role", "judge"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    assert out.returncode != 0 and "logicd serve" in out.stdout, out.stdout


if __name__ == "__main__":
    tap.run()
