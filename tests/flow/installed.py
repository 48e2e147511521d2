# SPDX-License-Identifier: Apache-2.0
"""A home as the package lays it out (deploy/layout.tmpfiles: links, root's folders, the node's): the node runs on it as its own user, its
roles' locks lead through the links and no further, and what root's commands write there is the node's.

Two users need root; the container of tests/system/systemd.py has the same with systemd.
"""
import ctypes
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from node import LOGICCTL, LOGICD, ROOT, Node, Skip, Tap, equal, page, wait_for  # noqa: E402
from prohibitions import kernel_has_landlock  # noqa: E402

tap = Tap()
USER = 47110  # nobody's
ROLES = ("actuator", "gateway", "judge", "ledger", "sensor")
LANDLOCK_CREATE_RULESET = 444  # on every architecture
OPENED = "allowed"


def without_landlock():
    """As on a kernel before 5.13: for this process and all below it the call does not exist (seccomp answers ENOSYS)."""
    rows = [(0x20, 0, 0, 0), (0x15, 0, 1, LANDLOCK_CREATE_RULESET), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in rows))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(rows), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    none = ctypes.c_ulong(0)
    assert libc.prctl(38, ctypes.c_ulong(1), none, none, none) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, ctypes.c_ulong(2), ctypes.byref(program), none, none) == 0  # PR_SET_SECCOMP, a filter


class Installed(Node):
    """HOME by the lines of deploy/layout.tmpfiles, with another beginning of each path; `logic-node` is USER where we are root."""

    def __init__(self, start=True, before=None):
        # below a folder of programs, as /opt/logic-node is, and outside /tmp, where the actuator may write
        self.root = tempfile.mkdtemp(prefix="ln-installed-", dir="/opt" if os.geteuid() == 0 else None)
        os.chmod(self.root, 0o755)
        self.user = USER if os.geteuid() == 0 else os.geteuid()
        self.before = before
        share = self.root + "/usr/share/logic-node"
        os.makedirs(self.root + "/usr/lib/logic-node/bin")
        for program in (LOGICD, LOGICCTL):
            shutil.copy(program, self.root + "/usr/lib/logic-node/bin")
        for name, source in (("kb/core", ROOT + "/kb/core"), ("web", page()), ("ansible", ROOT + "/deploy/ansible")):
            shutil.copytree(source, share + "/" + name)
        shutil.copy(ROOT + "/kb/main.pl", share + "/kb")
        subprocess.run(["chmod", "-R", "a+rX", self.root + "/usr"], check=True)
        with open(ROOT + "/deploy/layout.tmpfiles") as f:
            for line in f:
                if line[0] in "dL":
                    self.lay(*line.split())
        super().__init__(named=False, home=self.root + "/opt/logic-node", start=False)
        if start:
            self.start()

    def lay(self, kind, path, mode, owner, group, _age, target=None):
        path = self.root + path
        if kind == "L":
            os.symlink(self.root + target if target[0] == "/" else target, path)
            return
        os.makedirs(path, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(path, USER if owner == "logic-node" else 0, USER if group == "logic-node" else 0)
        os.chmod(path, int(mode, 8))

    def command(self):
        """The unit's."""
        home = self.home
        return [home + "/bin/logicd", "serve", "--home", home, "--kb", home + "/kb", "--web", home + "/www", "--playbooks",
                home + "/ansible", "--listen", "%s:%d" % (self.listen, self.port)]

    def start(self, wait=True):
        self.log = open(os.path.join(self.home, "log.jsonl"), "a")
        other = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
        self.process = subprocess.Popen(self.command(), stderr=self.log, stdout=self.log, stdin=subprocess.DEVNULL,
                                        preexec_fn=self.before, umask=0o027, **other)
        if wait:
            self.wait_ready()

    def ctl(self, *words, code=0, **more):
        done = subprocess.run([self.home + "/bin/logicctl", "--home", self.home, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120, **more)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def probe(self, role, config, *paths):
        """The role's own sandbox with this configuration; as whoever we are: only the locks say no."""
        with tempfile.TemporaryFile() as f:
            f.write(json.dumps({"home": self.home, "settings": {}, **config}).encode())
            f.seek(0)
            done = subprocess.run(["sh", "-c", 'exec "$0" probe "$@" 4<&0', self.home + "/bin/logicd", role, *paths], stdin=f,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 0, (done.stdout, done.stderr)
        found = json.loads(done.stdout)
        equal(found["landlock"], True)
        return {path: (found["open:" + path], found["write:" + path]) for path in paths}

    def owners(self, below):
        """{path below HOME: uid} of `below` and all in it; a link is itself."""
        top = pathlib.Path(self.home, below)
        return {str(p.relative_to(self.home)): p.lstat().st_uid for p in [top, *top.rglob("*")]}

    def __exit__(self, *why):
        super().__exit__(*why)
        shutil.rmtree(self.root, ignore_errors=True)


def needs_root():
    if os.geteuid() != 0:
        raise Skip("one user cannot make what belongs to two: needs root")


@tap.test
def node_runs_as_its_own_user_on_the_layout_of_the_package():
    with Installed() as node:
        equal(sorted(set(node.roles()) & set(ROLES)), sorted(ROLES))
        for role in ROLES:
            equal((role, os.stat("/proc/%d" % node.pid(role)).st_uid), (role, node.user))
        equal([row for row in json.loads(node.ctl("layout", "--json"))["places"] if not row["fine"]], [])
        equal(node.intent("list my nodes")["status"], "success")
        wait_for("facts written through the link HOME/state", lambda: os.listdir(node.root + "/opt/logic-node/kb/state"))
        node.verify_ledger()
        equal("landlock_missed" in node.log_text(), not kernel_has_landlock())


@tap.test
def locks_of_the_roles_lead_through_the_links_of_the_layout_and_no_further():
    if not kernel_has_landlock():
        raise Skip("this kernel has no Landlock")
    with Installed(start=False) as node:
        node.ctl("agent", "enroll", "box", "local", "--models-dir", node.home + "/llm/models")
        with open(node.home + "/agent/agent.json") as f:
            agent = json.load(f)
        node.start()
        home, etc = node.home, node.root + "/etc/logic-node"
        version = next(name for name in sorted(os.listdir(home + "/kb")) if len(name) == 33)
        node.stop()
        outside = {"real": node.root + "/outside", "core": home + "/kb/core/1_words/words.pl", "site": home + "/site/keys.pl",
                   "etc": etc + "/site/keys.pl", "www": home + "/www/index.html", "owner": home + "/keys/owner.pem",
                   "ledger": home + "/ledger/ledger.db", "authority": home + "/pki/ca.key", "secret": home + "/secrets/own"}
        outside["core"] = str(next(pathlib.Path(home, "kb/core").resolve().rglob("*.pl")))
        for path in outside.values():
            open(path, "a").close()
        for path in ("secrets/own", "ansible/services/own", "run/page.json", "llm/engines/own"):
            open(home + "/" + path, "a").close()
        for folder in ("kb/state", "history", "ledger"):
            open("%s/%s/own" % (home, folder), "w").close()
            os.symlink(outside["real"], "%s/%s/escape" % (home, folder))  # as somebody who took the role over would
        no, full = ("EACCES", "EACCES"), (OPENED, OPENED)
        rules = home + "/kb/" + version
        judge = {"kb": rules, "site": rules + "/site", "rules": "0" * 64, "site_hash": "0" * 64, "state": home + "/state"}
        cases = [
            ("judge", judge, {home + "/state/own": full, home + "/kb/state/own": full, home + "/state/escape": no,
                              rules + "/main.pl": (OPENED, "EACCES"), **dict.fromkeys(outside.values(), no)}),
            ("sensor", {}, {home + "/metrics/own": full, home + "/history/own": full, home + "/metrics/escape": no,
                            **dict.fromkeys(outside.values(), no)}),
            ("ledger", {"folder": home + "/ledger"}, {home + "/ledger/own": full, home + "/ledger/escape": no,
                                                      **dict.fromkeys(set(outside.values()) - {outside["ledger"]}, no)}),
            ("gateway", {"listen": "127.0.0.1:0", "socket": home + "/run/probe.sock", "web": home + "/www", "llm": "", "tls_cert": "",
                         "tls_key": "", "tokens": ""},  # the page is read before the locks
             {home + "/run/page.json": (OPENED, "EACCES"), **dict.fromkeys(outside.values(), no)}),
            *([("actuator", {"secrets": home + "/secrets", "playbooks": home + "/ansible"},
             {**dict.fromkeys(outside.values(), no), outside["secret"]: (OPENED, "EACCES"),
              home + "/ansible/services/own": (OPENED, "EACCES")}),
               ("agent", {"agent": agent}, {**dict.fromkeys(outside.values(), no), home + "/agent/agent.json": full,
                                            home + "/llm/engines/own": (OPENED, "EACCES")})] if node.root.startswith("/opt/") else []),
        ]
        for role, config, wanted in cases:
            found = node.probe(role, config, *wanted)
            equal({(role, p): found[p] for p in wanted if found[p] != wanted[p]}, {})


@tap.test
def kernel_without_landlock_is_named_by_every_role_and_the_other_locks_hold():
    with Installed(before=without_landlock) as node:
        lines = [json.loads(line) for line in node.log_text().splitlines() if "landlock_missed" in line]
        equal(sorted({line["role"] for line in lines}), sorted(ROLES))
        assert all("5.13" in line["remedy"] for line in lines), lines
        for role in ROLES:
            status = open("/proc/%d/status" % node.pid(role)).read()
            assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status, (role, status)
        equal(node.intent("list my nodes")["status"], "success")


@tap.test
def what_root_writes_into_the_home_is_the_nodes_and_keys_stay_roots():
    needs_root()
    with Installed() as node:
        bundle, llama = node.root + "/bundle", node.root + "/llama-server"
        enrolled = json.loads(node.ctl("agent", "enroll", "tower", "127.0.0.1", "--json"))
        equal(enrolled["bundle"], node.home + "/pki/bundles/tower")
        node.ctl("agent", "enroll", "shed", "127.0.0.1", "--out", bundle)
        node.ctl("agent", "renew", "tower")
        node.ctl("agent", "enroll", "box", "local", "--models-dir", node.home + "/llm/models")
        token = json.loads(node.ctl("token", "create", "--name", "cat", "--json"))["token"]
        node.ctl("token", "rotate-key")
        node.ctl("token", "create", "--name", "dog", "--opaque")
        shutil.copy(ROOT + "/tests/harness/fake_engine.py", node.root + "/fake_engine.py")
        with open(llama, "w") as f:
            f.write("#!/bin/sh\nid -u > %s/run/ran-as\nexec %s/fake_engine.py \"$@\"\n" % (node.home, node.root))
        os.chmod(llama, 0o755)
        node.ctl("engine", "prepare", "--bin", llama)
        node.ctl("backup", "key")
        node.ctl("key", "new", "anna")
        node.ctl("ledger", "checkpoint")
        node.ctl("backup", "make", node.root + "/backup.lnb")
        for below in ("pki", "secrets", "agent", "tokens", "catalogue", "checkpoints"):
            found = node.owners(below)
            assert len(found) > 1, below
            equal({path: uid for path, uid in found.items() if uid != USER}, {})
        for path, uid in {**node.owners("keys"), **node.owners("backup")}.items():
            equal((path, uid), (path, 0))
        equal({p.name: p.stat().st_uid for p in pathlib.Path(bundle).iterdir() if p.stat().st_uid != 0}, {})
        equal(open(node.home + "/run/ran-as").read().strip(), str(USER))  # root starts no program of somebody else
        equal([row for row in json.loads(node.ctl("layout", "--json"))["places"] if not row["fine"]], [])
        os.chown(node.home + "/keys", USER, USER)
        os.chown(node.home + "/ledger", 0, 0)
        wrong = {row["path"][len(node.home) + 1:]: row["is"] for row in json.loads(node.ctl("layout", "--json", code=6))["places"]
                 if not row["fine"]}
        equal(wrong, {"keys": "belongs to %d, not to root" % USER, "ledger": "belongs to root, not to %d" % USER})
        os.chown(node.home + "/ledger", USER, USER)
        node.stop()
        node.start()
        wait_for("this machine's agent, which reads what root wrote", lambda: "agent" in node.roles())
        equal(wait_for("the token", lambda: node.get("/v1/models", headers={"Authorization": "Bearer " + token})[0]), 200)


if __name__ == "__main__":
    tap.run()
