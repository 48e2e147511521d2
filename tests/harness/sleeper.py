# SPDX-License-Identifier: Apache-2.0
"""A stand-in for a machine that sleeps: a network namespace, a "network card" that waits for its magic packet, logicagent.

    own_network()                       this process gets a network of its own: nothing of the test reaches the real one
    with AgentHost(home) as host:       its bundle (logicctl agent enroll), its engine, its models
        with Sleeper(host) as tower:    off: no address, the card listens
            … a magic packet for tower.mac …          tower.packets holds the bytes; the agent starts boot_s later
            tower.plug_off()

Off is: agent and engine killed, no address on the card (nobody answers ARP), the link up. "poweroff" and "suspend" of the agent
touch a file, and the stand-in then goes off, or freezes agent and engine (suspended: SIGCONT at the packet).
Needs root, unshare(1), nsenter(1), ip(8); without them Unavailable skips the test (LN_ROOTS=must fails it).
"""
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import debian_root
import engine
from debian_root import unavailable
from engine_process import real_llama, tiny_model
from node import LOGICCTL, ROOT, wait_for

LOGICAGENT = os.path.realpath(os.environ.get("LOGICAGENT", os.path.join(os.path.dirname(LOGICCTL), "logicagent")))
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
WAKE_TYPE = b"\x08\x42"
LOOK_S = 0.02
NODE_ADDRESS, HOST_ADDRESS, BROADCAST, NETWORK_BITS = "10.77.0.1", "10.77.0.2", "10.77.0.255", 24
MAC, PORT, HOST = "52:54:00:aa:bb:01", 30443, "tower"

libc = ctypes.CDLL(None, use_errno=True)


def run(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


def own_network():
    """Once per process, before its first thread."""
    for program in ("unshare", "nsenter", "ip"):
        if not shutil.which(program):
            unavailable("no %s" % program)
    debian_root.make("engine-root", engine.SUITE, engine.PACKAGES)  # while there is a way to Debian
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNET) != 0:
        unavailable("no network namespaces: %s" % os.strerror(ctypes.get_errno()))
    run("ip", "link", "set", "lo", "up")


def magic_packet(mac, secure_on=None):
    """What must be in the payload."""
    return b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * 16 + (
        bytes.fromhex(secure_on.replace(":", "")) if secure_on else b"")


class AgentHost:
    """The files of one host: bundle, prepared engine, models; and what the node must know of them (HOME/pki, HOME/catalogue).

    engine  None: a real llama-server; else a function of the host that gives an entry of engines.json
    """

    def __init__(self, home, host=HOST, address=HOST_ADDRESS, port=PORT, engine=None, settings=None, **more):
        self.home, self.host, self.address, self.port = home, host, address, port
        self.url = "https://%s:%d" % (address, port)
        self.folder = tempfile.mkdtemp(prefix="ln-host-")
        self.config_path = os.path.join(self.folder, "agent.json")
        self.bin = os.path.join(self.folder, "bin")
        try:
            self.make(engine, settings or {}, more)
        except BaseException:
            self.__exit__()
            raise

    def make(self, engine, settings, more):
        for name in ("models", "catalogue", "power", "bin"):
            os.mkdir(os.path.join(self.folder, name))
        os.chmod(self.folder, 0o700)
        self.logicctl(self.home, "agent", "enroll", self.host, self.address, "--out", self.folder)
        with open(self.config_path) as f:
            config = json.load(f)
        config.update({
            "listen": "%s:%d" % (self.address, self.port), "home": self.folder,
            "execute": [os.path.join(ROOT, "tests" if engine else "build/engine-root"), self.bin],
            "poweroff": ["touch", os.path.join(self.folder, "power/off")],
            "suspend": ["touch", os.path.join(self.folder, "power/suspend")],
            "settings": {"sleep_delay_ms": 100, "say_again_ms": 500, "sleep_guard_s": 3, **settings}, **more})
        self.write_config(config)
        self.engine = engine(self) if engine else self.prepare(real_llama(self.bin))
        with open(os.path.join(self.folder, "catalogue/engines.json"), "w") as f:
            json.dump({"schema": "logic-node/engines/v1", "engines": [self.engine]}, f)
        os.makedirs(os.path.join(self.home, "catalogue"), exist_ok=True)
        shutil.copy(os.path.join(self.folder, "catalogue/engines.json"), os.path.join(self.home, "catalogue/engines.json"))

    def write_config(self, config):
        self.config = config
        with open(self.config_path, "w") as f:
            json.dump(config, f)

    def prepare(self, llama):
        return json.loads(self.logicctl(self.folder, "engine", "prepare", "--bin", llama["bin"], "--json",
                                        *("env:%s=%s" % pair for pair in llama["env"].items())))

    @staticmethod
    def logicctl(home, *words):
        return run(LOGICCTL, *words, "--home", home)

    def add_model(self, name="tiny", path=None):
        """A model file here and its entry in HOME/catalogue/models.json; the entry."""
        models = os.path.join(self.folder, "models")
        if path is None:
            path = os.path.join(models, name + ".gguf")
            os.rename(tiny_model(models), path)
        self.logicctl(self.home, "model", "add", path, "--name", name, "--models-dir", models)
        with open(os.path.join(self.home, "catalogue/models.json")) as f:
            return next(model for model in json.load(f)["models"] if model["name"] == name)

    def model_path(self, name="tiny"):
        return os.path.join(self.folder, "models", name + ".gguf")

    def job(self, op, **more):
        """A job of the hands host and pool for this host: "host wake", "pool load" …"""
        hand, word = op.split()
        return {"hand": hand, "op": word, "host": self.host, "agent": self.url, **more}

    def load(self, model, pool="p", slots=2, context=1024, need_bytes=1, limit_s=60, **more):
        return self.job("pool load", pool=pool, kind="cpu", mask="", vram_mib=0, slots=slots, context=context, kv="f16",
                        model={key: model[key] for key in ("name", "file", "bytes", "sha256")},
                        engine={"engine": self.engine["engine"], "version": self.engine["version"]},
                        need_bytes=need_bytes, limit_s=limit_s, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)


class Agent:
    """logicagent of a host, perhaps in a namespace."""

    def __init__(self, host, enter=(), patience_s=60):
        self.host = host
        self.log = open(os.path.join(host.folder, "agent.log"), "ab")
        begin = self.log.tell()
        self.process = subprocess.Popen([*enter, LOGICAGENT, "serve", "--config", host.config_path],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.env())
        try:
            wait_for("the agent to listen", lambda: self.started(begin), patience_s)
        except BaseException:
            self.kill()
            raise

    @staticmethod
    def env():
        """For sanitizers: freed memory is not kept (its size is looked at), leaks cannot be looked for (no ptrace in the sandbox)."""
        return os.environ | {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:detect_leaks=0"}

    def started(self, begin):
        text = self.text()[begin:]
        assert self.process.poll() is None, text[-2000:]
        return '"agent_started"' in text

    def text(self):
        with open(self.log.name, errors="replace") as f:
            return f.read()

    def engines(self):
        """Pids of engines that this agent started."""
        mark, found = ("LOGIC_ENGINE=" + os.path.join(self.host.folder, "pools")).encode(), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    if any(word.startswith(mark) for word in f.read().split(b"\0")):
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def signal(self, number):
        for pid in [self.process.pid, *self.engines()]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        """The plug is pulled: agent and engines."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        wait_for("the engines to be gone", lambda: not self.engines())
        self.log.close()

    def stop(self):
        """SIGTERM; its exit status."""
        self.process.terminate()
        code = self.process.wait(timeout=60)
        if code:
            print("# " + self.text()[-3000:].replace("\n", "\n# "))
        self.log.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.log.closed:
            self.kill()


class Sleeper:
    """The machine. state: "off", "booting", "on", "suspended"."""

    def __init__(self, host, mac=MAC, secure_on=None, boot_s=0.2, wakes=True, on=False):
        self.host, self.mac, self.boot_s, self.wakes = host, mac, boot_s, wakes
        self.magic = magic_packet(mac, secure_on)
        self.packets, self.state, self.agent, self.history = [], "off", None, []
        self.due, self.ended, self.trouble = None, False, None
        self.lock = threading.RLock()
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        try:
            self.wire()
        except BaseException:
            self.holder.kill()
            self.holder.wait()
            raise
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()
        if on:
            self.become_on()

    # --- the wire

    def wire(self):
        ours = os.readlink("/proc/self/ns/net")
        wait_for("the namespace", lambda: os.readlink("/proc/%d/ns/net" % self.holder.pid) != ours)
        run("ip", "link", "add", "wire0", "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        run("ip", "address", "add", "%s/%d" % (NODE_ADDRESS, NETWORK_BITS), "broadcast", BROADCAST, "dev", "wire0")
        run("ip", "link", "set", "wire0", "up")
        self.inside("ip", "link", "set", "eth0", "address", self.mac)
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "link", "set", "eth0", "up")
        self.card = self.listen()

    def enter(self):
        return ["nsenter", "-t", str(self.holder.pid), "-n"]

    def inside(self, *argv):
        return run(*self.enter(), *argv)

    def listen(self):
        """A raw socket in the namespace: only the thread that opens it goes there."""
        made = []

        def there():
            with open("/proc/%d/ns/net" % self.holder.pid) as ns:
                if libc.setns(ns.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)))
        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        assert made, "cannot listen in the namespace"
        made[0].bind(("eth0", 0))
        made[0].settimeout(LOOK_S)
        return made[0]

    def address(self, there):
        if there:
            self.inside("ip", "address", "add", "%s/%d" % (self.host.address, NETWORK_BITS), "broadcast", BROADCAST, "dev", "eth0")
        else:
            self.inside("ip", "address", "flush", "dev", "eth0")
        subprocess.run(["ip", "neigh", "flush", "dev", "wire0"], stdin=subprocess.DEVNULL, check=False)

    # --- its life

    def live(self):
        try:
            while not self.ended:
                self.hear()
                with self.lock:
                    self.look()
        except BaseException as why:  # told by whoever waits
            self.trouble = why

    def hear(self):
        try:
            frame, where = self.card.recvfrom(65536)
        except (TimeoutError, InterruptedError):
            return
        if where[2] == socket.PACKET_OUTGOING:
            return
        payload = self.payload(frame)
        if payload is None:
            return
        with self.lock:
            self.packets.append({"at": time.monotonic(), "to": frame[0:6].hex(":"), "payload": payload, "frame": frame,
                                 "right": payload == self.magic})
            if payload == self.magic and self.wakes and self.state in ("off", "suspended") and self.due is None:
                self.due = time.monotonic() + self.boot_s
                self.become("booting")

    @staticmethod
    def payload(frame):
        """Of a magic packet by UDP to port 9 or 7, or raw; None for anything else."""
        if frame[12:14] == WAKE_TYPE:
            return frame[14:]
        if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_UDP:
            return None
        udp = 14 + (frame[14] & 15) * 4
        if int.from_bytes(frame[udp + 2:udp + 4], "big") not in (7, 9):
            return None
        return frame[udp + 8:udp + int.from_bytes(frame[udp + 4:udp + 6], "big")]

    def look(self):
        if self.due is not None and time.monotonic() >= self.due:
            self.due = None
            self.become_on()
        for word, act in (("off", self.plug_off), ("suspend", self.freeze)):
            path = os.path.join(self.host.folder, "power", word)
            if os.path.exists(path):
                os.unlink(path)
                act()

    def become(self, state):
        self.state = state
        self.history.append((state, time.monotonic()))

    def become_on(self):
        with self.lock:
            self.address(True)
            if self.agent:  # it was suspended
                self.agent.signal(signal.SIGCONT)
            else:
                self.agent = Agent(self.host, self.enter())
            self.become("on")

    def freeze(self):
        with self.lock:
            self.address(False)
            self.agent.signal(signal.SIGSTOP)
            self.become("suspended")

    def plug_off(self):
        """At once, whatever it does."""
        with self.lock:
            self.due = None
            self.address(False)
            if self.agent:
                self.agent.kill()
                self.agent = None
            self.become("off")

    def wait(self, state, patience_s=60):
        def there():
            if self.trouble:
                raise self.trouble
            return self.state == state
        wait_for("the host to be " + state, there, patience_s)

    def right_packets(self):
        with self.lock:
            return [packet for packet in self.packets if packet["right"]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        with self.lock:
            if self.agent:
                self.agent.signal(signal.SIGCONT)
                self.agent.kill()
        self.card.close()
        self.holder.kill()
        self.holder.wait()
        subprocess.run(["ip", "link", "delete", "wire0"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
