# SPDX-License-Identifier: Apache-2.0
"""The packages and their units under a real systemd: installed by apt in a container, set up, watched, stopped under load, upgraded,
removed and purged; the agent and the engine beside it."""
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "flow"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import debian_root  # noqa: E402
import engine  # noqa: E402
from engine_process import real_llama, sha256, tiny_model  # noqa: E402
from machine import HOME, PORT, UNIT, Machine, packages, raised  # noqa: E402
from node import ROOT, Skip, Tap, equal, wait_for  # noqa: E402
from prohibitions import kernel_has_landlock  # noqa: E402

tap = Tap()
ROLES = ["actuator", "gateway", "judge", "ledger", "sensor"]
STOP_S = 30
STREAMS = 40
UUID = "6d1a2b3c-1111-4222-8333-944455556666"
CLUSTER = """cluster(rack, proxmox, "the rack").
cluster_guest(rack, "box", uuid("%s")).
""" % UUID
# A machine that can be woken once somebody has signed, and that nobody finds: what a case waits for.
HOUSE = """host(tower, "https://127.0.0.1:9", "a machine that sleeps").
host_wake(tower, "52:54:00:aa:bb:01", "127.255.255.255", "").
host_limits(tower, 30, 0, 0, 60).
"""
OPEN_STREAMS = """
import socket, sys
held = []
for i in range(%d):
    s = socket.create_connection(("127.0.0.1", %d), timeout=20)
    s.sendall(b"GET /api/v1/events HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    assert b" 200 " in s.recv(4096), i
    held.append(s)
print("open", flush=True)
ends = 0
for s in held:
    s.settimeout(60)
    try:
        while s.recv(65536): pass
    except OSError: pass
    ends += 1
print(ends)
"""
ASK_ON = """
import http.client, json, sys, time
acknowledged, refused = [], 0
while True:
    try:
        c = http.client.HTTPConnection("127.0.0.1", %d, timeout=20)
        c.request("POST", "/api/v1/intent", json.dumps({"nl": "list my nodes"}), {"Content-Type": "application/json", "Host": "localhost"})
        r = c.getresponse(); body = json.loads(r.read())
        if r.status == 200: acknowledged.append(body["case"])
    except (OSError, ValueError, http.client.HTTPException):
        refused += 1
        time.sleep(0.02)
    if sys.stdin in __import__("select").select([sys.stdin], [], [], 0)[0]: break
print(json.dumps([acknowledged, refused]))
"""


def ready(seen=()):
    """A machine on which the node was installed and set up: a context, entered."""
    machine = Machine(seen).__enter__()
    try:
        machine.install()
        machine.set_up()
        assert machine.active(), machine.journal()[-3000:]
    except BaseException:
        machine.__exit__(*sys.exc_info())
        raise
    return machine


class Ready:
    def __enter__(self):
        self.machine = ready()
        return self.machine

    def __exit__(self, *why):
        self.machine.__exit__(*why)


def waiting_case(machine):
    """A case that waits for a signature."""
    machine.write("/etc/logic-node/site/tower.pl", HOUSE)
    machine.run("sed", "-i", "s/^grant(operator,  *host_wake, *any, *freely)/grant(operator, host_wake, any, signatures(1))/",
                "/etc/logic-node/site/policy.pl")
    machine.run("logicctl", "agent", "enroll", "tower", "127.0.0.1")  # by root; the actuator reads the keys
    machine.run("systemctl", "restart", UNIT)
    answer = json.loads(machine.done("logicctl", "propose", "host_wake", "host=tower", "--json").stdout)
    equal((answer["status"], answer.get("text")), ("awaiting_consent", answer.get("text")))
    return answer["case"]


def entries(machine):
    """Every line of the ledger."""
    return machine.run("logicctl", "ledger", "export").splitlines()


@tap.test
def installed_it_waits_until_it_is_set_up():
    with Machine() as machine:
        said = machine.install()
        assert "logicctl setup" in said, said[-2000:]
        equal((machine.show("ActiveState"), machine.show("UnitFileState")), ("inactive", "disabled"))
        machine.run("systemctl", "start", UNIT)
        equal((machine.show("ActiveState"), machine.show("ConditionResult")), ("inactive", "no"))
        places = machine.ctl("layout")["places"]
        equal([row for row in places if not row["fine"]], [])
        told = machine.set_up()
        equal((told["name"], told["started"], told["site"]), ("box", True, "/etc/logic-node/site"))
        equal((machine.show("ActiveState"), machine.show("UnitFileState")), ("active", "enabled"))
        equal(machine.show("Id", "logic-node.service"), UNIT)
        equal(machine.show("ActiveState", "ledger-checkpoint.timer"), "active")
        assert machine.answers(), machine.journal()
        machine.run("systemctl", "start", "ledger-checkpoint.service")
        notes = machine.run("ls", HOME + "/checkpoints").split()
        equal([bool(re.fullmatch(r"checkpoint-\d{12}\.txt", note)) for note in notes], [True])
        for program in ("logicd", "logicctl"):
            machine.run(program, "version")


@tap.test
def service_starts_ready_feeds_its_watchdog_and_stops_in_order():
    with Ready() as machine:
        equal((machine.show("ActiveState"), machine.show("SubState")), ("active", "running"))
        equal(machine.show("StatusText"), "all roles are ready")
        equal(sorted(machine.roles()), ROLES)
        equal(len(machine.processes()), 1 + len(ROLES))
        for role in machine.roles().values():  # the roles' own locks work inside the unit's walls
            status = machine.run("cat", "/proc/%d/status" % role["pid"])
            for line in ("Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000"):
                assert line in status, (line, status)
        equal("landlock_missed" in machine.journal(), not kernel_has_landlock())
        fed = "WatchdogTimestampMonotonic"
        first = machine.show(fed)
        wait_for("the watchdog to be fed", lambda: machine.show(fed) != first)
        equal(machine.show("NRestarts"), "0")
        machine.run("systemctl", "stop", UNIT)
        equal((machine.show("ActiveState"), machine.show("Result")), ("inactive", "success"))
        said = machine.journal()
        order = [said.index("node_" + word) for word in ("ready", "stopping", "stopped")]
        equal(order, sorted(order))
        assert "Killing process" not in said and "timed out" not in said, said[-3000:]


@tap.test
def hands_that_may_start_what_lies_in_opt_do_not_see_the_home_there():
    if not kernel_has_landlock():
        raise Skip("this kernel has no Landlock")
    with Ready() as machine:
        machine.run("logicctl", "agent", "enroll", "tower", "127.0.0.1")
        machine.run("sh", "-c", "mkdir -p /opt/tools && touch /opt/tools/one")
        machine.write("/hands.json", json.dumps({"home": HOME, "settings": {}, "secrets": HOME + "/secrets",
                                                 "playbooks": HOME + "/ansible"}))
        closed = [HOME + "/" + path for path in ("ledger/ledger.db", "keys/owner.pem", "pki/ca.key", "pki/gateway.key", "run/roles.json")]
        opened = ["/opt/tools/one", HOME + "/secrets", HOME + "/ansible", HOME + "/pki/actuator.key"]
        found = json.loads(machine.run("sh", "-c", "exec logicd probe actuator %s 4< /hands.json" % " ".join(closed + opened)))
        equal({path: found["open:" + path] for path in closed + opened},
              {**dict.fromkeys(closed, "EACCES"), **dict.fromkeys(opened, "allowed")})


def standing(machine):
    told = machine.ctl("status")["standing"]
    return told if told["stands"] not in (None, "unknown") else None


@tap.test
def uuid_that_root_alone_may_read_reaches_the_node_and_none_is_no_failure():
    with Ready() as machine:
        credential = "/run/credentials/%s/product_uuid" % UNIT
        if machine.done("test", "-e", "/sys/class/dmi/id/product_uuid").returncode != 0:
            equal(machine.run("cat", credential), "none")  # and it started
        machine.write("/var/lib/product_uuid", UUID.upper() + "\n")  # as firmware tells it
        machine.run("chmod", "400", "/var/lib/product_uuid")
        machine.write("/etc/systemd/system/%s.d/uuid.conf" % UNIT,
                      "[Service]\nLoadCredential=\nLoadCredential=product_uuid:/var/lib/product_uuid\n")
        machine.write("/etc/logic-node/site/cluster.pl", CLUSTER)
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "restart", UNIT)
        told = wait_for("where it stands", lambda: standing(machine))
        equal((told["stands"], told["cluster"], told["guest"], told["proof"]), ("match", "rack", "box", "uuid"))


@tap.test
def supervisor_that_stands_still_is_started_anew():
    with Ready() as machine:
        pid, old = machine.show("MainPID"), machine.processes()
        equal(len(old), 1 + len(ROLES))
        machine.run("sh", "-c", "kill -STOP " + pid)
        wait_for("a restart", lambda: machine.show("NRestarts") == "1" and machine.active())
        assert machine.show("MainPID") != pid
        assert "Watchdog timeout" in machine.journal(), machine.journal()[-3000:]
        equal(set(old) & set(machine.processes()), set())
        wait_for("answers", machine.answers)


@tap.test
def role_that_crashes_again_and_again_ends_in_a_failed_unit():
    with Ready() as machine:
        machine.write("/etc/logic-node/logic-node.conf", "LOGICD_OPTIONS=--set supervisor.crashes_max=2\n")
        machine.run("sh", "-c", "echo 'this is no fact' > /etc/logic-node/site/house.pl")
        machine.run("systemctl", "restart", "--no-block", UNIT)
        wait_for("the unit to have failed", lambda: machine.show("ActiveState") == "failed")
        said = machine.journal()
        assert "node_failed" in said and "Start request repeated too quickly" in said, said[-3000:]
        equal(machine.processes(), [])


@tap.test
def service_writes_nowhere_but_in_its_folder_and_not_over_its_programs():
    with Ready() as machine:
        open_to_all = ["/etc/open", "/usr/open", "/var/open", "/srv/open", "/opt/open", HOME + "/llm/open", "/etc/logic-node/open"]
        machine.run("mkdir", "-p", "-m", "777", *open_to_all)
        tries = ["touch %s/intruder" % folder for folder in open_to_all]
        tries += ["touch %s/kb/core/intruder.pl" % HOME, "touch %s/site/intruder.pl" % HOME, "touch %s/bin/intruder" % HOME]
        tries += ["mv %s/%s %s/away" % (HOME, link, HOME) for link in ("bin", "kb/core", "kb/main.pl", "site", "www")]
        tries += ["rm %s/%s" % (HOME, link) for link in ("bin", "kb/core", "kb/main.pl", "site", "www")] + ["rmdir %s/keys" % HOME]
        machine.write("/probe.sh", "\n".join("%s 2>/dev/null && echo INTRUDED '%s'" % (one, one) for one in tries) +
                      "\ntouch %s/mine && echo OWN-FOLDER\nexit 0\n" % HOME)
        machine.write("/etc/systemd/system/%s.d/probe.conf" % UNIT, "[Service]\nExecStartPost=/bin/sh /probe.sh\n")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "restart", UNIT)
        said = wait_for("the probe", lambda: "OWN-FOLDER" in machine.journal() and machine.journal())
        assert "INTRUDED" not in said, said[-3000:]


@tap.test
def stop_under_load_is_graceful_and_loses_nothing():
    with Ready() as machine:
        case = waiting_case(machine)
        streams = machine.outside(OPEN_STREAMS % (STREAMS, PORT))
        equal(streams.stdout.readline().strip(), "open")
        asker = machine.outside(ASK_ON % PORT)
        time.sleep(1)
        begin = time.monotonic()
        machine.run("systemctl", "stop", UNIT)
        took = time.monotonic() - begin
        print("# the stop took %.1f s of %d s, with %d streams, a waiting case and an asker" % (took, STOP_S, STREAMS))
        assert took < STOP_S
        equal((machine.show("ActiveState"), machine.show("Result")), ("inactive", "success"))
        said = machine.journal()
        assert "Killing process" not in said and "timed out" not in said and "role_killed" not in said, said[-3000:]
        equal(int(streams.communicate(timeout=60)[0]), STREAMS)
        acknowledged = json.loads(asker.communicate("end\n", timeout=60)[0])[0]
        assert acknowledged
        machine.run("systemctl", "start", UNIT)
        equal(machine.ctl("case", case)["status"], "awaiting_consent")
        kept = "\n".join(entries(machine))
        equal([one for one in acknowledged if one not in kept], [])
        assert machine.ctl("ledger", "verify")["ok"]


@tap.test
def upgrade_of_a_running_node_loses_no_case_and_no_acknowledged_entry():
    with Ready() as machine:
        case = waiting_case(machine)
        newer, version = raised(packages()["logic-node"], machine.folder)
        before, pid = [line for line in entries(machine) if '"seq"' in line], machine.show("MainPID")
        asker = machine.outside(ASK_ON % PORT)
        time.sleep(0.5)
        machine.apt("install", "/outside/" + newer)
        assert machine.active(), machine.journal()[-3000:]
        wait_for("answers", machine.answers)
        time.sleep(0.5)
        acknowledged, refused = json.loads(asker.communicate("end\n", timeout=60)[0])
        print("# during the upgrade %d were acknowledged, %d found nobody" % (len(acknowledged), refused))
        assert acknowledged and machine.show("MainPID") != pid
        equal(machine.run("dpkg-query", "-W", "-f", "${Version}", "logic-node"), version)
        after = [line for line in entries(machine) if '"seq"' in line]
        equal(after[:len(before)], before)
        kept = "\n".join(after)
        equal([one for one in acknowledged if one not in kept], [])
        equal(machine.ctl("case", case)["status"], "awaiting_consent")
        assert machine.ctl("ledger", "verify")["ok"]
        equal(machine.show("UnitFileState"), "enabled")


@tap.test
def removal_stops_it_and_a_purge_keeps_what_is_the_owners_unless_asked():
    with Ready() as machine:
        machine.run("logicctl", "ask", "list my nodes")
        before = [line for line in entries(machine) if '"seq"' in line]
        machine.apt("remove", "logic-node")
        equal((machine.active(), machine.processes()), (False, []))
        machine.install()  # again: the same node, and enabled as it was
        machine.run("systemctl", "start", UNIT)
        equal([line for line in entries(machine) if '"seq"' in line][:len(before)], before)
        said = machine.apt("purge", "logic-node")
        assert "stay" in said, said[-2000:]
        for path in ("ledger", "keys/owner.pem", "kb/state"):
            machine.run("test", "-e", HOME + "/" + path)
        machine.run("test", "-e", "/etc/logic-node/site/keys.pl")
        equal(machine.run("sh", "-c", "ls -d %s/bin %s/kb/core %s/www 2>/dev/null; true" % (HOME, HOME, HOME)), "")
        machine.install()
        machine.apt("purge", "logic-node", env={"LOGIC_NODE_PURGE": "everything"})
        equal(machine.run("sh", "-c", "ls -d %s /etc/logic-node 2>/dev/null; true" % HOME), "")


@tap.test
def agent_waits_for_its_bundle_and_then_serves():
    with Ready() as machine:
        machine.install("logic-agent")
        agent = "logic-agent.service"
        machine.run("systemctl", "start", agent)
        equal((machine.show("ActiveState", agent), machine.show("ConditionResult", agent)), ("inactive", "no"))
        machine.run("logicctl", "agent", "enroll", "tower", "127.0.0.1", "--out", "/tmp/bundle")
        machine.run("sh", "-c", "mkdir -p -m 700 /var/lib/logic-agent && cp -r /tmp/bundle/. /var/lib/logic-agent && "
                    "chown -R logic-agent: /var/lib/logic-agent")
        machine.run("systemctl", "start", agent)
        wait_for("the agent", lambda: "agent_started" in machine.journal(agent))
        time.sleep(0.5)
        assert machine.active(agent), machine.journal(agent)[-3000:]
        machine.run("systemctl", "stop", agent)
        equal(machine.show("Result", agent), "success")


@tap.test
def engine_starts_only_with_the_model_that_was_listed():
    inference = "llm-inference.service"
    models = HOME + "/llm/models"
    root = os.path.join(ROOT, "build/engine-root")
    debian_root.make("engine-root", engine.SUITE, engine.PACKAGES)
    with Machine({root: "/engine"}, unified=True) as machine:
        llama = real_llama(machine.folder)
        tiny = tiny_model(machine.folder)
        machine.install()
        with open(llama["bin"]) as f:
            machine.write(HOME + "/llm/engines/llama-server", f.read().replace(root, "/engine"))
        machine.run("chmod", "755", HOME + "/llm/engines/llama-server")
        machine.run("cp", "/outside/tiny.gguf", models)
        machine.write(models + "/sha256sums", "%s  tiny.gguf\n" % sha256(tiny))
        machine.run("chmod", "-R", "a+rX", models)
        machine.run("systemctl", "start", inference)
        equal((machine.show("ActiveState", inference), machine.show("ConditionResult", inference)), ("inactive", "no"))
        machine.write("/etc/logic-node/llm-inference.conf", "MODEL=tiny.gguf\nLLAMA_OPTIONS=--no-ui\nPORT=8099\n")
        machine.write("/etc/systemd/system/%s.d/cpu.conf" % inference,  # no GPU here, and its back end lies elsewhere
                      "[Service]\nEnvironment=%s\nExecStart=\nExecStart=%s/llm/engines/llama-server --host 127.0.0.1 --port ${PORT} "
                      "-m %s/${MODEL} -c 8192 -ngl 0 -np 1 $LLAMA_OPTIONS\nRestart=no\n"
                      % (" ".join("%s=%s" % pair for pair in llama["env"].items()).replace(root, "/engine"), HOME, models))
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", inference)
        wait_for("the engine's health", lambda: machine.answers(8099, "/health"))
        listening = machine.run("sh", "-c", "cat /proc/net/tcp /proc/net/tcp6").split("\n")
        equal(sorted({line.split()[1] for line in listening if ":1FA3 " in line[:24] and " 0A " in line}), ["0100007F:1FA3"])
        machine.run("systemctl", "stop", inference)
        equal(machine.show("Result", inference), "success")
        machine.run("sh", "-c", "printf X | dd of=%s/tiny.gguf bs=1 seek=4000 conv=notrunc 2>&1" % models)
        refused = machine.done("systemctl", "start", inference)
        equal((refused.returncode != 0, machine.show("ActiveState", inference)), (True, "failed"))
        said = machine.journal(inference)
        assert "is not what it was" in said, said[-2000:]


if __name__ == "__main__":
    tap.run()
