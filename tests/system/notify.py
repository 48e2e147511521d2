# SPDX-License-Identifier: Apache-2.0
"""What the node tells systemd, heard by a real datagram socket: READY, WATCHDOG, STOPPING."""
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from node import Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
STOP_ORDER = ["gateway", "judge", "actuator", "ledger"]


class Listener:
    """The manager's end of NOTIFY_SOCKET."""

    def __init__(self, abstract=False):
        self.folder = tempfile.mkdtemp(prefix="ln-notify-")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = os.path.join(self.folder, "notify")
        self.name = "@" + path if abstract else path
        self.socket.bind(self.name.replace("@", "\0"))
        self.heard = []

    def environment(self, **more):
        return {"NOTIFY_SOCKET": self.name, **more}

    def listen(self, seconds=0.0):
        """Take what has come; wait for something for at most this long."""
        while select.select([self.socket], [], [], seconds)[0]:
            self.heard.append(self.socket.recv(4096).decode())
            seconds = 0.0
        return self.heard

    def wait(self, what, start=0, count=1):
        """Until `count` messages from place `start` on have a line that starts with `what`."""
        def enough():
            self.listen(0.2)
            return len([m for m in self.heard[start:] if has(m, what)]) >= count
        wait_for("%d × %s" % (count, what), enough)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def has(message, what):
    return any(line.startswith(what) for line in message.split("\n"))


def place(heard, what):
    return next(i for i, message in enumerate(heard) if has(message, what))


@tap.test
def ready_is_said_once_and_only_when_the_node_answers():
    with Listener() as manager, Node(named=False, start=False, env=manager.environment()) as node:
        node.start(wait=False)
        manager.wait("READY=1")
        equal(node.get("/readyz")[0], 200)
        roles = node.roles()
        equal(sorted(roles), sorted([*STOP_ORDER, "sensor"]))
        assert all(role["ready"] for role in roles.values()), roles
        os.kill(node.pid("judge"), signal.SIGKILL)  # a role that comes back is no second start
        first = len(manager.heard)
        manager.wait("STATUS=all roles are ready", start=first)
        equal(len([m for m in manager.heard if has(m, "READY=1")]), 1)


@tap.test
def watchdog_is_fed_again_and_again_in_time():
    with Listener() as manager:
        with Node(named=False, env=manager.environment(WATCHDOG_USEC="400000")):
            manager.wait("WATCHDOG=1", count=10)


@tap.test
def watchdog_of_another_process_is_not_fed():
    with Listener() as manager:
        env = manager.environment(WATCHDOG_USEC="400000", WATCHDOG_PID="1")
        with Node(named=False, env=env) as node:
            manager.wait("READY=1")
        equal(node.process.returncode, 0)
        equal([m for m in manager.listen() if has(m, "WATCHDOG")], [])


@tap.test
def stopped_supervisor_feeds_no_watchdog():
    with Listener() as manager:
        with Node(named=False, env=manager.environment(WATCHDOG_USEC="400000")) as node:
            manager.wait("WATCHDOG=1")
            os.kill(node.process.pid, signal.SIGSTOP)
            wait_for("the supervisor to stand", lambda: state_of(node.process.pid) == "T")
            manager.listen()
            before = len(manager.heard)
            equal(manager.listen(2.0)[before:], [])  # five intervals
            os.kill(node.process.pid, signal.SIGCONT)
            manager.wait("WATCHDOG=1", start=before)


def alive(pid):
    return os.path.exists("/proc/%d" % pid) and state_of(pid) != "Z"


def state_of(pid):
    return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0]


@tap.test
def stopping_is_said_and_nothing_is_left():
    with Listener() as manager:
        with Node(named=False, env=manager.environment()) as node:
            pids = {role: node.pid(role) for role in STOP_ORDER}
            node.process.send_signal(signal.SIGTERM)
            manager.wait("STOPPING=1")
            equal(node.stop(), 0)
            heard = manager.listen()
            assert place(heard, "READY=1") < place(heard, "STOPPING=1"), heard
            assert not any(os.path.exists("/proc/%d" % pid) for pid in pids.values()), pids


@tap.test
def roles_end_one_after_the_other():
    """One role is held: those before it in the order end, those after it are not even asked."""
    for held, role in enumerate(STOP_ORDER[:-1]):
        with Node(named=False, settings=("supervisor.stop_timeout_ms=600000",)) as node:
            pids = [node.pid(name) for name in STOP_ORDER]
            os.kill(pids[held], signal.SIGSTOP)
            wait_for(role + " to stand", lambda: state_of(pids[held]) == "T")
            node.process.send_signal(signal.SIGTERM)
            wait_for("those before " + role, lambda: not any(map(alive, pids[:held])))
            time.sleep(0.3)  # time enough to do it wrong
            equal([alive(pid) for pid in pids[held:]], [True] * (4 - held))
            os.kill(pids[held], signal.SIGCONT)
            equal(node.stop(), 0)


@tap.test
def crash_loop_is_told_and_ends_with_a_failure():
    with Listener() as manager:
        settings = ("supervisor.crashes_max=2", "supervisor.backoff_first_ms=10",
                    "supervisor.backoff_max_ms=20")
        with Node(named=False, settings=settings, env=manager.environment()) as node:
            manager.wait("READY=1")
            killed = set()

            def kill_again():
                pid = node.roles().get("actuator", {}).get("pid")
                if node.process.poll() is None and pid and pid not in killed:
                    killed.add(pid)
                    os.kill(pid, signal.SIGKILL)
                return node.process.poll() is not None
            wait_for("the node to give up", kill_again)
            equal(node.process.returncode, 1)
            failed = manager.listen()[place(manager.heard, "STATUS=failed")]
            assert "role actuator" in failed and "signal 9" in failed, failed
            assert place(manager.heard, "STATUS=failed") < place(manager.heard, "STOPPING=1")
            equal(len(killed), 3)


@tap.test
def abstract_socket_is_served_too_and_roles_do_not_know_it():
    with Listener(abstract=True) as manager:
        with Node(named=False, env=manager.environment()) as node:
            manager.wait("READY=1")
            for role in STOP_ORDER:
                assert b"NOTIFY" not in open("/proc/%d/environ" % node.pid(role), "rb").read(), role


@tap.test
def unreachable_manager_disturbs_nobody():
    for name in ("/nonexistent/notify", "relative", "/" + "x" * 300):
        with Node(named=False, env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "nonsense"}) as node:
            equal(node.get("/readyz")[0], 200)
        equal(node.process.returncode, 0)


if __name__ == "__main__":
    tap.run()
