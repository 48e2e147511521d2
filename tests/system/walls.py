# SPDX-License-Identifier: Apache-2.0
"""The walls of the units, tried from within: one probe runs as each service in turn, behind its own unit's walls, and once without any, as
the same user. What the probe could do there and cannot do here, the unit forbids.

Limits of memory, devices and addresses are the kernel's: shown where this machine's container can have them, and said where it cannot.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from machine import UNIT, Machine  # noqa: E402
from node import Skip, Tap, equal, wait_for  # noqa: E402

tap = Tap()
INFERENCE, AGENT = "llm-inference.service", "logic-agent.service"
UNITS = {UNIT: "logic-node", INFERENCE: "logic-llm", AGENT: "logic-agent"}
ALLOWED = 0
EPERM, ENOENT, EACCES, EROFS, EAFNOSUPPORT = 1, 2, 13, 30, 97
OUTSIDE = "192.0.2.1"  # an address of the container that is not loopback's
OPEN_TO_ALL = ("/etc/open", "/usr/open", "/var/open", "/srv/open", "/opt/open")
# Each line: what, and 0 or the number of the error.
PROBE = r"""
use strict; use Socket; use POSIX ();
$| = 1;
sub try { my ($what, $do) = @_; $! = 0; my $went = $do->(); printf "probe %s %d\n", $what, $went ? 0 : $!+0 || 255; }
sub run { my @command = @_; return sub { open(my $err, ">&", \*STDERR); open(STDERR, ">", "/dev/null");
    my $went = system(@command) == 0; open(STDERR, ">&", $err); $! = 1; return $went; } }
my ($packet, $netlink, $alg) = (17, 16, 38);
try("inet", sub { socket(my $s, AF_INET, SOCK_STREAM, 0) });
try("inet6", sub { socket(my $s, AF_INET6, SOCK_STREAM, 0) });
try("unix", sub { socket(my $s, AF_UNIX, SOCK_STREAM, 0) });
try("netlink", sub { socket(my $s, $netlink, SOCK_RAW, 0) });
try("packet", sub { socket(my $s, $packet, SOCK_DGRAM, 0) });
my $mine = "/tmp/probe-$$"; open(my $own, ">", $mine);
try("chown", sub { chown($<, $(+0, $mine) });
try("set-user-id", sub { chmod(04755, $mine) });
try("user-namespace", run("unshare", "--user", "true"));
try("personality", run("setarch", "--addr-no-randomize", "true"));
for my $folder (@ARGV) { try("write:$folder", sub { open(my $f, ">", "$folder/intruder") && unlink("$folder/intruder") }); }
try("other-processes", sub { open(my $f, "<", "/proc/1/comm") });
try("homes", sub { opendir(my $d, "/home") });
try("tmp-of-others", sub { open(my $f, "<", "/tmp/of-others") });
try("device", sub { sysopen(my $f, "/dev/probe", POSIX::O_RDONLY() | POSIX::O_NONBLOCK()) });
for my $to ("127.0.0.1", "OUTSIDE") {
    try("send:$to", sub { my $s; socket($s, AF_INET, SOCK_DGRAM, 0) && send($s, "x", 0, pack_sockaddr_in(9, inet_aton($to))) }); }
for my $port (8080, 8099, 7777) {
    try("bind:$port", sub { my $s; socket($s, AF_INET, SOCK_STREAM, 0) && bind($s, pack_sockaddr_in($port, inet_aton("127.0.0.1"))) }); }
open(my $status, "<", "/proc/self/status");
while (<$status>) { print "status $1 $2\n" if /^(Seccomp|NoNewPrivs|CapEff|CapPrm|CapInh|CapBnd|CapAmb):\s+(\w+)/; }
for my $kind ("mnt", "net", "ipc") { printf "namespace %s %s\n", $kind, readlink("/proc/self/ns/$kind") || "?"; }
print "probe end 0\n";
""".replace("OUTSIDE", OUTSIDE)


class Walls(Machine):
    """The packages, nothing of theirs running, and the probe in place of what the units start."""

    def __enter__(self):
        super().__enter__()
        try:
            self.install()
            self.install("logic-agent")
            self.write("/probe.pl", PROBE)
            self.run("mkdir", "-p", "-m", "777", *OPEN_TO_ALL)
            self.run("touch", "/tmp/of-others")
            made = self.done("sh", "-c", "mknod /dev/probe c 10 1 && chmod 666 /dev/probe")  # of no unit's list
            self.has_device = made.returncode == 0
            added = self.outside("import subprocess; subprocess.run(['ip', 'addr', 'add', '%s/32', 'dev', 'lo'], check=True)" % OUTSIDE)
            self.has_addresses = added.wait() == 0
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    @staticmethod
    def read(text):
        found, status, namespaces = {}, {}, {}
        for line in text.splitlines():
            kind, *words = line.split()[:3] or [""]
            if kind in ("probe", "status", "namespace") and len(words) == 2:
                {"probe": found, "status": status, "namespace": namespaces}[kind][words[0]] = words[1]
        assert "end" in found, text[-3000:]
        return {what: int(number) for what, number in found.items()}, status, namespaces

    def without(self, user):
        """As that user, and nothing around it."""
        return self.read(self.run("systemd-run", "--quiet", "--wait", "--pipe", "--uid=" + user, "perl", "/probe.pl", *OPEN_TO_ALL))

    def within(self, unit, more=""):
        self.write("/etc/systemd/system/%s.d/probe.conf" % unit,
                   "[Unit]\nConditionPathExists=\nConditionPathExistsGlob=\n[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\n"
                   "EnvironmentFile=\nExecStartPre=\nExecStart=\nExecStart=/usr/bin/perl /probe.pl %s\n%s" % (" ".join(OPEN_TO_ALL), more))
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "start", unit)
        return self.read(wait_for("the probe's words", lambda: "probe end" in self.journal(unit) and self.journal(unit)))


    def enforces(self, what, number, *properties):
        """Does the kernel hold a unit to these here? Else it is said, and nothing about them is shown."""
        found = self.read(self.run("systemd-run", "--quiet", "--wait", "--pipe", "--uid=logic-node",
                                   *("--property=" + one for one in properties), "perl", "/probe.pl", *OPEN_TO_ALL))[0]
        if found[what] != number:
            print("# not enforced in this container, so not shown: " + ", ".join(properties))
        return found[what] == number


def forbidden(machine, unit):
    """{what the unit forbids: the error}"""
    wanted = {"packet": EAFNOSUPPORT, "chown": EPERM, "set-user-id": EPERM, "user-namespace": EPERM, "personality": EPERM,
              "homes": EACCES, "tmp-of-others": ENOENT, **{"write:" + folder: EROFS for folder in OPEN_TO_ALL}}
    if unit != AGENT:  # that one tells which programs stand in the foreground
        wanted["other-processes"] = ENOENT
    if unit == UNIT:
        wanted["device"] = ENOENT
    elif machine.has_device and machine.enforces("device", EPERM, "DevicePolicy=closed"):
        wanted["device"] = EPERM
    if unit == INFERENCE:
        wanted.update({"inet6": EAFNOSUPPORT, "netlink": EAFNOSUPPORT})
        if machine.has_addresses and machine.enforces("send:" + OUTSIDE, EPERM, "IPAddressDeny=any", "IPAddressAllow=localhost"):
            wanted["send:" + OUTSIDE] = EPERM
        if machine.enforces("bind:7777", EPERM, "SocketBindDeny=any"):  # systemd from 249 on, where it was built with BPF: not Debian 12
            wanted.update({"bind:7777": EPERM, "bind:8099": EPERM})
    return wanted


@tap.test
def each_unit_forbids_what_its_program_does_not_need_and_nothing_else():
    with Walls(unified=True) as machine:
        outer = {kind: machine.run("readlink", "/proc/1/ns/" + kind).strip() for kind in ("mnt", "net", "ipc")}
        for unit, user in UNITS.items():
            wanted = forbidden(machine, unit)
            free = machine.without(user)[0]
            found, status, namespaces = machine.within(unit)
            if not machine.has_device:
                wanted.pop("device", None), found.pop("device")
            equal((unit, {what: number for what, number in found.items() if number}), (unit, wanted))
            equal((unit, [what for what, number in wanted.items() if free[what] == number]), (unit, []))  # it is the unit that forbids
            equal((unit, status), (unit, {"Seccomp": "2", "NoNewPrivs": "1",
                                          **{"Cap" + kind: "0" * 16 for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")}}))
            private = {kind for kind, name in namespaces.items() if name != outer[kind]}
            equal((unit, private), (unit, {"mnt", "ipc"} if unit == UNIT else {"mnt"}))


def allowed(machine):
    """The port that the engine's unit may bind."""
    found = re.fullmatch(r"ipv4:tcp:?(\d+)", machine.show("SocketBindAllow", INFERENCE))  # systemd 252 shows it without the colon
    return found and found.group(1)


@tap.test
def port_that_the_owner_wrote_down_is_the_one_that_may_be_bound():
    conf = "/etc/logic-node/llm-inference.conf"
    with Walls(unified=True) as machine:
        equal(allowed(machine), "8080")
        machine.write(conf, "MODEL=m.gguf\nPORT=8099\n")
        machine.run("systemctl", "daemon-reload")
        equal(allowed(machine), "8099")
        enforced = machine.enforces("bind:7777", EPERM, "SocketBindDeny=any")
        found = machine.within(INFERENCE)[0]
        equal((found["bind:8099"], found["bind:8080"]), (ALLOWED, EPERM if enforced else ALLOWED))
        machine.run("rm", "-r", "/etc/systemd/system/%s.d" % INFERENCE)
        machine.write(conf, "MODEL=m.gguf\nPORT=80\n")
        machine.run("systemctl", "daemon-reload")
        equal(allowed(machine), None)
        equal(machine.done("systemctl", "start", INFERENCE).returncode != 0, True)
        assert "PORT= in %s is no number from 1024 to 65535" % conf in machine.journal(INFERENCE), machine.journal(INFERENCE)[-2000:]


def memory_file(machine):
    """The kernel's file of the unit's limit, and that of its processes; cgroups v2, else v1."""
    for folder, name in (("/sys/fs/cgroup/system.slice/", "memory.max"), ("/sys/fs/cgroup/memory/system.slice/", "memory.limit_in_bytes")):
        if machine.done("test", "-e", folder + UNIT + "/" + name).returncode == 0:
            return folder + UNIT + "/" + name, folder + UNIT + "/cgroup.procs"
    raise Skip("this container has no memory controller: MemoryMax= is written down, and not enforced here")


@tap.test
def memory_of_the_node_has_an_end_that_the_kernel_knows():
    with Machine(memory=True) as machine:
        machine.install()
        machine.set_up(drop_in="[Service]\nRestartSec=100ms\n")
        limit, processes = memory_file(machine)
        equal((machine.show("MemoryMax"), machine.run("cat", limit).strip()), (str(512 << 20), str(512 << 20)))
        inside = {int(pid) for pid in machine.run("cat", processes).split()}
        equal({role["pid"] for role in machine.roles().values()} - inside, set())
        machine.write("/hungry.sh", "perl -e 'my $all = \"x\" x (400 << 20);'; echo hungry ended with $?\n")
        machine.write("/etc/systemd/system/%s.d/less.conf" % UNIT,  # of less memory: this machine has not so much for a test
                      "[Service]\nMemoryMax=256M\nMemorySwapMax=0\nExecStartPost=/bin/sh /hungry.sh\n")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "restart", UNIT)
        wait_for("the node, which goes on", lambda: machine.active() and machine.answers())
        assert "hungry ended with 137" in machine.journal(), machine.journal()[-3000:]  # SIGKILL, by the kernel


if __name__ == "__main__":
    tap.run()
