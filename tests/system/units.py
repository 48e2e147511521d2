# SPDX-License-Identifier: Apache-2.0
"""The unit files by themselves: `systemd-analyze verify` is silent, the exposure is low, times add up; a model that changed is refused.

Units are verified in a small root of their own, in which every program that they name is there: what they need is seen from the units.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from node import LOGICD, PATIENCE_S, ROOT, Skip, Tap, equal  # noqa: E402

tap = Tap()
UNITS = os.path.join(ROOT, "deploy/systemd")
CHECK = os.path.join(ROOT, "deploy/model_check.sh")
GENERATOR = os.path.join(ROOT, "deploy/inference_generator.sh")
EXPOSURE_MAX = {"logic-orchestrator.service": 2.0, "logic-agent.service": 3.0, "llm-inference.service": 3.0,
                "ledger-checkpoint.service": 2.0, "restic-sync.service": 2.5, "zfs-sync.service": 3.2}
STANDARD = "/usr/lib/systemd/system" if os.path.isdir("/usr/lib/systemd/system") else "/lib/systemd/system"
ROLES = 6
TICK_MS = 1000  # of the supervisor: it notices that late


def analyze(*words):
    if not shutil.which("systemd-analyze"):
        raise Skip("no systemd-analyze")
    return subprocess.run(["systemd-analyze", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=PATIENCE_S)


def units(*kinds):
    return sorted(name for name in os.listdir(UNITS) if name.endswith(kinds or (".service", ".timer")))


def text_of(name):
    with open(os.path.join(UNITS, name)) as f:
        return re.sub(r"\\\n\s*", "", f.read())


def values(name, key):
    return re.findall(r"^%s=(.*)$" % key, text_of(name), re.M)


def value(name, key):
    found = values(name, key)
    equal((name, key, len(found)), (name, key, 1))
    return found[0]


class Root:
    """A tree with these units, those of the system that they know, and a program at every path that they start."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="ln-units-")
        self.folder = self.path + "/usr/lib/systemd/system"
        shutil.copytree(STANDARD, self.folder, symlinks=True)
        os.makedirs(self.path + "/etc")
        for name in units():
            shutil.copy(os.path.join(UNITS, name), self.folder)
            for key in ("ExecStart", "ExecStartPre", "ExecCondition"):
                for line in values(name, key):
                    self.program(line.split()[0])
        self.program("/usr/bin/man")
        return self

    def program(self, path):
        whole = self.path + path
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        shutil.copy("/bin/true", whole)

    def verify(self, name):
        return analyze("verify", "--man=no", "--recursive-errors=no", "--root=" + self.path, self.folder + "/" + name)

    def __exit__(self, *_):
        shutil.rmtree(self.path)


@tap.test
def verify_has_nothing_to_say_about_any_unit():
    with Root() as root:
        for name in units():
            said = root.verify(name)
            equal((name, said.returncode, said.stdout), (name, 0, ""))


@tap.test
def verify_would_say_something_about_a_word_that_is_none():
    """It ends with 0 all the same: only its silence counts."""
    with Root() as root:
        with open(root.folder + "/ledger-checkpoint.service", "a") as f:
            f.write("\n[Service]\nProtectEverything=yes\n")
        assert "ProtectEverything" in root.verify("ledger-checkpoint.service").stdout


@tap.test
def exposure_is_low():
    for name, limit in EXPOSURE_MAX.items():
        said = analyze("security", "--offline=true", "--no-pager", "--threshold=%d" % (limit * 10), os.path.join(UNITS, name))
        if "nrecognized option" in said.stdout or "nknown option" in said.stdout:
            raise Skip("this systemd-analyze judges no files")
        found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said.stdout)
        print("# exposure of %s: %s (at most %.1f)" % (name, found and found.group(1), limit))
        assert found and float(found.group(1)) <= limit, said.stdout[-2000:]
        equal(said.returncode, 0)


@tap.test
def every_service_that_listens_or_acts_has_a_limit_here():
    """A new service gets a row above, or runs as root on purpose and says why."""
    for name in units(".service"):
        if name not in EXPOSURE_MAX:
            assert "As root:" in text_of(name), name


@tap.test
def backups_keep_of_roots_rights_what_they_need():
    for name, wanted in (("restic-sync.service", "CAP_DAC_READ_SEARCH CAP_SETUID CAP_SETGID"),
                         ("zfs-sync.service", "CAP_SYS_ADMIN CAP_DAC_READ_SEARCH")):
        equal((name, value(name, "CapabilityBoundingSet")), (name, wanted))
        for key, word in (("ProtectSystem", "strict"), ("NoNewPrivileges", "yes"), ("Group", "logic-node"), ("StateDirectoryMode", "0750")):
            equal((name, key, value(name, key)), (name, key, word))
    read_only = " ".join(values("restic-sync.service", "ReadOnlyPaths"))
    for part in ("keys", "ledger", "secrets", "pki", "tokens"):
        assert "-/opt/logic-node/%s" % part in read_only.split(), part


@tap.test
def graceful_stop_of_all_roles_fits_the_unit():
    settings = subprocess.run([LOGICD, "settings"], stdout=subprocess.PIPE, text=True, check=True).stdout
    row = next(line for line in settings.splitlines() if "supervisor.stop_timeout_ms" in line)
    each = int(row.split()[1])  # name, default, from, to
    limit_s = int(value("logic-orchestrator.service", "TimeoutStopSec"))
    equal(limit_s, 30)
    print("# %d roles × (%d ms + %d ms) = %.1f s of %d s" % (ROLES, each, TICK_MS, ROLES * (each + TICK_MS) / 1000, limit_s))
    assert ROLES * (each + TICK_MS) < limit_s * 1000, (each, limit_s)


@tap.test
def orchestrator_is_as_it_was_asked_for():
    name = "logic-orchestrator.service"
    for key, wanted in (("Type", "notify"), ("MemoryMax", "512M"), ("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"),
                        ("ReadWritePaths", "/opt/logic-node"), ("Alias", "logic-node.service"), ("StartLimitBurst", "5")):
        equal((key, value(name, key)), (key, wanted))
    equal(values(name, "SystemCallFilter")[0], "@system-service")
    assert int(value(name, "WatchdogSec")) > 0


@tap.test
def engine_is_heard_on_loopback_alone():
    name = "llm-inference.service"
    start = value(name, "ExecStart").split()
    for words in (["--host", "127.0.0.1"], ["--port", "${PORT}"], ["-c", "8192"], ["-ngl", "999"], ["-np", "1"]):
        assert any(start[i:i + len(words)] == words for i in range(len(start))), (words, start)
    assert "LLAMA_ARG_MLOCK=1 LLAMA_ARG_LOAD_MODE=mmap+mlock" in values(name, "Environment")
    assert any("PORT=8080" in words.split() for words in values(name, "Environment"))
    for key, wanted in (("SocketBindDeny", "any"), ("SocketBindAllow", "ipv4:tcp:8080"), ("IPAddressDeny", "any"),
                        ("IPAddressAllow", "localhost"), ("DevicePolicy", "closed"), ("LimitMEMLOCK", "infinity")):
        equal((key, value(name, key)), (key, wanted))
    gpu = re.compile(r"(char-nvidia\S*|char-drm|/dev/nvidia\S*|/dev/dri\S*|/dev/kfd) rw$")
    equal([device for device in values(name, "DeviceAllow") if not gpu.match(device)], [])


# --- inference_generator.sh

def generated(conf):
    """The drop-in of such a llm-inference.conf; None: no drop-in."""
    with tempfile.TemporaryDirectory(prefix="ln-generator-") as folder:
        if conf is not None:
            with open(folder + "/conf", "wb") as f:
                f.write(conf)
        done = subprocess.run(["sh", GENERATOR, folder + "/normal", folder + "/early", folder + "/late"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S,
                              env={**os.environ, "LN_INFERENCE_CONF": folder + "/conf"})
        equal((conf, done.returncode, done.stdout), (conf, 0, b""))
        made = folder + "/normal/llm-inference.service.d/50-port.conf"
        if not os.path.exists(made):
            equal(os.listdir(folder + "/normal") if os.path.exists(folder + "/normal") else [], [])
            return None
        with open(made) as f:
            return f.read()


@tap.test
def port_of_the_engine_stands_in_one_place():
    for conf, port in ((b"PORT=8099\n", "8099"), (b"MODEL=a\n PORT=\"1024\"\r\n", "1024"), (b"PORT=1\nPORT='65535'", "65535")):
        made = generated(conf)
        equal(re.findall(r"^SocketBindAllow=(.*)$", made, re.M), ["", "ipv4:tcp:" + port])
        assert "ExecStartPre" not in made, made
    for conf in (None, b"", b"MODEL=a.gguf\n", b"#PORT=9\nXPORT=9\nPORT=\n"):  # the unit's own
        equal((conf, generated(conf)), (conf, None))


@tap.test
def what_is_no_port_lets_no_engine_start():
    for bad in (b"80", b"1023", b"65536", b"99999999999999999999", b"-1", b"8080x", b"$(id)", b"8080\tSocketBindAllow=any", b"0x1F90",
                b"08080", b"\xff"):
        made = generated(b"PORT=" + bad + b"\n")
        equal((bad, re.findall(r"^SocketBindAllow=(.*)$", made, re.M)), (bad, [""]))
        assert re.search(r"^ExecStartPre=/bin/sh .*no number from 1024 to 65535.*exit 1'$", made, re.M), made
        assert b"$(id)" != bad or "$(id)" not in made, made  # nothing of it is repeated


@tap.test
def uuid_of_the_machine_is_handed_over_and_may_be_missing():
    name = "logic-orchestrator.service"
    equal((value(name, "LoadCredential"), value(name, "SetCredential")),
          ("product_uuid:/sys/class/dmi/id/product_uuid", "product_uuid:none"))


# --- model_check.sh

class Models:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="ln-models-")
        return self

    def put(self, name, data):
        with open(os.path.join(self.path, name), "wb") as f:
            f.write(data)

    def list(self, *names):
        with open(self.path + "/sha256sums", "w") as out:
            subprocess.run(["sha256sum", "--", *names], cwd=self.path, stdout=out, check=True)

    def check(self, name, code=0, words=""):
        done = subprocess.run(["sh", CHECK, self.path, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=PATIENCE_S)
        equal((name, done.returncode), (name, code))
        assert words in done.stdout, (words, done.stdout)

    def __exit__(self, *_):
        shutil.rmtree(self.path)


@tap.test
def model_with_its_hash_passes_and_one_changed_byte_does_not():
    with Models() as models:
        models.put("a.gguf", b"weights" * 100)
        models.put("axgguf", b"other")
        models.list("axgguf", "a.gguf")
        models.check("a.gguf")
        models.put("a.gguf", b"weights" * 99 + b"weightz")
        models.check("a.gguf", 1, "is not what it was")
        os.unlink(models.path + "/a.gguf")
        models.check("a.gguf", 1, "is missing")


@tap.test
def model_that_nobody_listed_is_refused():
    with Models() as models:
        models.put("a.gguf", b"weights")
        models.check("a.gguf", 1, "there is no")
        models.put("axgguf", b"weights")  # a name that a pattern would take for a.gguf
        models.list("axgguf")
        models.check("a.gguf", 1, "is not in")
        models.list("a.gguf", "a.gguf")
        models.check("a.gguf", 1, "more than once")


@tap.test
def names_that_are_paths_or_nothing_are_refused():
    with Models() as models:
        models.put("a.gguf", b"weights")
        models.list("a.gguf")
        for name in ("", "../a.gguf", "/etc/passwd", "-a", ".hidden", "a b", "a;b", "$(id)"):
            models.check(name, 2)


@tap.test
def every_part_of_a_model_is_checked():
    with Models() as models:
        names = ["m-%05d-of-00003.gguf" % part for part in (1, 2, 3)]
        for name in names:
            models.put(name, name.encode())
        models.list(*names)
        models.check(names[0])
        models.put(names[2], b"changed")
        models.check(names[0], 1, names[2])
        os.unlink(os.path.join(models.path, names[1]))
        models.check(names[0], 1, names[1])
        models.check("m-00001-of-00000.gguf", 2, "number of parts")


if __name__ == "__main__":
    tap.run()
