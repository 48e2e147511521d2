# SPDX-License-Identifier: Apache-2.0
"""zfs_sync.sh on OpenZFS, in a machine of its own (tools/guest_zfs.py): what zfs-fuse cannot do, so tests/system/zfs.py does not show it.

Raw streams of an encrypted dataset, keys, resumed receives, power cuts, real ssh. `make guest-zfs` runs it; not part of `make test`: it
takes minutes, and the first time compiles OpenZFS. When all tests have passed, in one run or in several, docs/records/openzfs-guest.md is
written anew from what was said; what was said by the script as it was before, it says.
"""
import base64
import hashlib
import json
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "..", "tools")]
import guest_zfs  # noqa: E402
from node import ROOT, Tap, equal  # noqa: E402

tap = Tap()
SCRIPT = os.path.join(ROOT, "deploy/zfs_sync.sh")
with open(SCRIPT, "rb") as script:
    SCRIPT_HASH = hashlib.sha256(script.read()).hexdigest()
UNIT = os.path.join(ROOT, "deploy/systemd/zfs-sync.service")
RECORD = os.path.join(ROOT, "docs/records/openzfs-guest.md")
SOURCE, TARGET = "tank/node", "vault/copies/node"
KEY = base64.b64encode(os.urandom(32)).decode()
MARKER = "the-cat-is-called-" + os.urandom(8).hex()  # is found on a disk in clear, or is not
LARGE_MIB, STALL_MIB, SOME_MIB = 32, 16, 6
TOLD = os.path.join(ROOT, "build/guest-told")  # a file for each test that passed: script, date, seconds, notes
guest, notes = None, []


def shell(words, code=0):
    """What a line of shell said in the machine."""
    got, said = guest.run(words)
    assert code is None or got == code, (words, got, said)
    return said.strip()


def note(words):
    notes.append(re.sub(r"[ \t]+", " ", re.sub(r"\s*\n\s*", " // ", words)))


def say_and_do(words, code=0):
    """A command for the record."""
    said = shell(words, code)
    note("`%s`%s" % (words, ": " + said if said else ""))
    return said


def told_before():
    """{name: what it told} of tests that passed, in this run or an earlier one."""
    rows = {}
    for test in tap.tests:
        path = os.path.join(TOLD, test.__name__)
        if os.path.exists(path):
            with open(path) as f:
                rows[test.__name__] = json.load(f)
    return rows


def story(function):
    """A test with fresh pools and a place in the record."""
    def told():
        notes.clear()
        began = time.monotonic()
        fresh()
        function()
        os.makedirs(TOLD, exist_ok=True)
        with open(os.path.join(TOLD, function.__name__), "w") as f:
            json.dump({"script": SCRIPT_HASH, "date": time.strftime("%Y-%m-%d", time.gmtime()), "seconds": time.monotonic() - began,
                       "notes": notes}, f)
    told.__name__ = function.__name__
    return tap.test(told)


def fresh(encryption="on"):
    shell("pkill sshd; zpool export -a; rm -rf /run/state /run/bin /tank /vault", None)
    shell("mkdir -p /run/bin; echo %s | base64 -d > /run/key" % KEY)
    shell("zpool create -f -o cachefile=none tank vda1 && zpool create -f -o cachefile=none vault vdb1 && zfs create vault/copies")
    keys = "-o encryption=on -o keyformat=raw -o keylocation=file:///run/key " if encryption == "on" else ""
    shell("zfs create %s%s" % (keys, SOURCE))
    configure()


def configure(**other):
    lines = dict({"DATASET": SOURCE, "TARGET": TARGET, "STATE": "/run/state", "KEEP": "12"}, **other)
    shell("printf '%%s\\n' %s > /run/backup.conf" % " ".join("'%s=%s'" % line for line in lines.items()))


def write(text, name="ledger"):
    shell("printf '%%s\\n' '%s' >> /tank/node/%s" % (text, name))


def write_large(mib=LARGE_MIB):
    shell("head -c %dM /dev/urandom >> /tank/node/weights; sync" % mib)


def sync(*words, code=0, tell=True, before=""):
    """One run of the script; snapshots are named by the second."""
    line = "sleep 1.1; PATH=/run/bin:$PATH %ssh /zfs_sync.sh %s --config /run/backup.conf"
    said = shell(line % (before, " ".join(words or ["sync"])), code)
    if tell:
        note("`zfs_sync.sh%s` → %d%s" % ("".join(" " + word for word in words), code, ": " + said if said else ""))
    return said


def program(name, text):
    """A program that stands before the real one."""
    script = base64.b64encode(("#!/bin/sh\n" + text).encode()).decode()
    shell("echo %s | base64 -d > /run/bin/%s; chmod +x /run/bin/%s" % (script, name, name))


def real_programs():
    shell("rm -f /run/bin/*")


def stalled_send():
    program("zfs", '[ "$1" = send ] && [ "$2" != -n ] || exec /usr/bin/zfs "$@"\n'
                   '/usr/bin/zfs "$@" | { dd bs=1M count=%d iflag=fullblock 2> /run/dd; exec sleep 600; }\n' % STALL_MIB)


def start_and_wait_until_some_arrived(before=0):
    """A run whose line stalls; returns when a part of it is on the target's disk, with the run's process group in /run/group."""
    stalled_send()
    shell("sleep 1.1; export PATH=/run/bin:$PATH; setsid sh /zfs_sync.sh sync --config /run/backup.conf > /run/first 2>&1 &"
          " echo $! > /run/group")
    shell("for i in $(seq 600); do used=$(zfs get -H -p -o value used %s 2> /dev/null || echo 0);"
          " [ ${used:-0} -gt %d ] && exit 0; sleep 0.2; done; cat /run/first; exit 1" % (TARGET, before + (SOME_MIB << 20)))


def kill_all_of_it():
    shell("kill -KILL -$(cat /run/group); while pgrep -x zfs > /dev/null; do sleep 0.1; done")
    real_programs()
    note("when more than %d MiB of %d had arrived, all its processes were killed (SIGKILL)" % (SOME_MIB, LARGE_MIB))


def snapshots(dataset):
    return [name.split("@")[1] for name in shell("zfs list -H -r -d 1 -t snapshot -o name -s creation " + dataset).split()]


def value(name, dataset):
    return shell("zfs get -H -p -o value %s %s" % (name, dataset))


def same_on_both(key=True):
    """The copy, opened with the source's key, holds byte for byte what the source has; it is left closed."""
    if key:
        shell("zfs load-key -L file:///run/key " + TARGET)
    shell("zfs set mountpoint=/look %s && { zfs mount %s 2> /dev/null || true; }" % (TARGET, TARGET))
    both = shell("for folder in /tank/node /look; do (cd $folder && sha256sum *); done").splitlines()
    assert both and both[:len(both) // 2] == both[len(both) // 2:], both
    shell("zfs unmount %s%s" % (TARGET, " && zfs unload-key " + TARGET if key else ""))
    note("read back from the target%s: %d files, the same bytes" % (" with the key" if key else "", len(both) // 2))


@story
def whole_then_incremental_raw_and_twelve_kept_on_both_sides():
    shell("zfs snapshot %s@mine" % SOURCE)
    for number in range(14):
        write(MARKER if number == 0 else "entry %d" % number)
        said = sync(tell=number in (0, 1, 13))
        assert said.startswith("incremental: " if number else "whole: "), said
    ours, theirs = snapshots(SOURCE), snapshots(TARGET)
    equal((len(ours), len(theirs), ours[0], ours[1:]), (13, 12, "mine", theirs))
    note("fourteen runs: %d snapshots of ours here and %d there, the same; @mine, which is not ours, stays" % (len(ours) - 1, len(theirs)))
    equal((value("encryption", TARGET), value("keystatus", TARGET), value("readonly", TARGET)), ("aes-256-gcm", "unavailable", "on"))
    note("the target: encryption aes-256-gcm, keystatus unavailable, readonly on")
    status = sync("status", "--json")
    assert '"ok":true' in status and '"snapshots":12' in status, status


@story
def the_targets_disk_never_has_a_word_in_clear():
    write(MARKER)
    sync()
    shell("zfs create -o compression=off vault/clear && echo %s-in-clear > /vault/clear/file && zpool sync" % MARKER)
    found = shell("tr '\\0' '\\n' < /dev/vdb1 | grep -a -o '%s[a-z-]*'" % MARKER).split()
    equal(set(found), {MARKER + "-in-clear"})
    note("on the raw disk of the target a word of the ledger is not found; the same word in an unencrypted dataset beside it is")
    same_on_both()


@story
def a_key_that_is_not_loaded_is_said_with_the_remedy():
    write("one")
    sync()
    shell("zfs unmount %s && zfs unload-key %s" % (SOURCE, SOURCE))
    said = sync(code=1)
    remedy = "zfs load-key -r " + SOURCE
    assert "the key of '%s' is not loaded" % SOURCE in said and remedy in said, said
    assert "is not loaded" in sync("check", code=1, tell=False)
    say_and_do(remedy)
    shell("zfs mount " + SOURCE)
    assert sync().startswith("incremental: ")


@story
def a_pool_that_is_not_imported_is_said_with_the_remedy():
    write("one")
    sync()
    for pool in ("vault", "tank"):
        shell("zpool export " + pool)
        said = sync(code=1)
        assert "the pool '%s' is not imported" % pool in said and "zpool import " + pool in said, said
        say_and_do("zpool import " + pool)
    shell("zfs load-key %s && zfs mount %s" % (SOURCE, SOURCE))
    assert sync().startswith("incremental: ")
    same_on_both()


@story
def a_run_that_is_killed_goes_on_where_it_was():
    write_large()
    start_and_wait_until_some_arrived()
    kill_all_of_it()
    assert value("receive_resume_token", TARGET) != "-"
    said = sync()
    assert "going on with an interrupted receive" in said and "resumed: " in said, said
    sent = int(re.search(r"(\d+) bytes sent", said).group(1))
    assert sent < (LARGE_MIB - 4) << 20, said
    same_on_both()
    write_large()
    start_and_wait_until_some_arrived(int(value("used", TARGET)))
    kill_all_of_it()
    said = sync()
    assert "resumed: " in said, said
    same_on_both()
    equal(snapshots(SOURCE), snapshots(TARGET))


@story
def what_came_before_a_line_broke_again_is_kept():
    write_large()
    start_and_wait_until_some_arrived()
    kill_all_of_it()
    program("zfs", '[ "$1" = send ] && [ "$2" != -n ] || exec /usr/bin/zfs "$@"\n/usr/bin/zfs "$@" | head -c 6M\nexit 1\n')
    first = value("receive_resume_token", TARGET)
    said = sync(code=1)
    assert "was interrupted again" in said and "the next run goes on" in said, said
    assert value("receive_resume_token", TARGET) not in ("-", first)
    program("zfs", '[ "$1" = send ] && [ "$2" != -n ] || exec /usr/bin/zfs "$@"\nexit 1\n')  # nothing comes at all
    assert "was interrupted again" in sync(code=1, tell=False)
    real_programs()
    said = sync()
    sent = int(re.search(r"(\d+) bytes sent", said).group(1))
    assert "resumed: " in said and sent < (LARGE_MIB - 8) << 20, said
    same_on_both()


@story
def what_can_never_be_gone_on_with_begins_again():
    write_large()
    start_and_wait_until_some_arrived()
    kill_all_of_it()
    gone = "%s@%s" % (SOURCE, snapshots(SOURCE)[-1])
    say_and_do("zfs destroy " + gone)
    said = sync()
    assert "cannot be gone on with" in said and "whole: " in said, said
    same_on_both()
    write_large(20)
    start_and_wait_until_some_arrived(int(value("used", TARGET)))
    kill_all_of_it()
    program("zfs", '[ "$1" = send ] && [ "$2" != -n ] || exec /usr/bin/zfs "$@"\n[ "$2" != -t ] || exit 1\nexec /usr/bin/zfs "$@"\n')
    assert "was interrupted again" in sync(code=1, tell=False)
    said = sync()
    assert "beginning again" in said and "incremental: " in said, said
    note("(the second time every attempt to go on was made to fail: after two without a byte it begins again)")
    same_on_both()


@story
def a_power_cut_in_the_midst_of_a_receive():
    configure(STATE="/tank/state")
    write("before the cut")
    sync()
    write_large()
    start_and_wait_until_some_arrived(int(value("used", TARGET)))
    guest.cut_power()
    seconds = guest.boot()
    note("the machine was killed while it received, and started again on the same disks (%.0f s)" % seconds)
    shell("mkdir -p /run/bin; echo %s | base64 -d > /run/key" % KEY)
    configure(STATE="/tank/state")
    say_and_do("zpool import -f tank && zpool import -f vault && zfs load-key %s && zfs mount %s" % (SOURCE, SOURCE))
    said = sync()
    assert "resumed: " in said or "incremental: " in said, said
    same_on_both()
    equal(snapshots(SOURCE), snapshots(TARGET))
    shell("zpool scrub -w vault")
    assert "errors: No known data errors" in shell("zpool status vault")
    note("`zpool scrub vault`: no known data errors")


@story
def the_last_common_snapshot_outlives_those_that_are_kept():
    configure(KEEP="3")
    write("one")
    sync()
    common = snapshots(SOURCE)[-1]
    shell("zpool export vault")
    for number in range(6):
        write("more %d" % number)
        if number == 3:
            shell("rm -rf /run/state")  # the pool was moved to another machine
        assert "not imported" in sync(code=1, tell=number == 0)
    ours = snapshots(SOURCE)
    equal((len(ours), ours[0]), (4, common))
    note("KEEP=3; six runs while the target was away, after the third the script's own notes were lost: 3 snapshots and %s, the one "
         "both have" % common)
    shell("zpool import vault")
    assert sync().startswith("incremental: ")
    equal(len(snapshots(SOURCE)), 3)
    same_on_both()


@story
def a_copy_that_is_read_can_be_added_to_and_one_that_was_written_is_never_overwritten():
    write("one")
    sync()
    shell("zfs load-key -L file:///run/key %s && zfs set mountpoint=/look %s && { zfs mount %s 2> /dev/null || true; }"
          % (TARGET, TARGET, TARGET))
    shell("cat /look/ledger > /dev/null && ls -laR /look > /dev/null && zpool sync")
    write("two")
    assert sync().startswith("incremental: ")
    note("(its key was loaded, it was mounted and being read)")
    shell("zfs set readonly=off %s; zfs mount %s 2> /dev/null; echo stranger > /look/stranger && zpool sync" % (TARGET, TARGET))
    write("three")
    said = sync(code=1)
    remedy = re.search(r"zfs rollback -r (\S+)", said).group(0)
    equal(shell("cat /look/stranger"), "stranger")
    say_and_do(remedy)
    said = sync()
    assert said.startswith("incremental: "), said
    shell("zfs unmount %s; zfs unload-key %s" % (TARGET, TARGET))
    same_on_both()
    shell("zfs rollback -r %s@%s" % (SOURCE, snapshots(SOURCE)[0]))
    note("the source was rolled back to its oldest snapshot")
    write("another past")
    said = sync(code=1)
    say_and_do(re.search(r"zfs rollback -r (\S+)", said).group(0))
    assert sync().startswith("incremental: ")
    same_on_both()
    shell("zfs destroy -r %s && zfs create %s && zfs snapshot %s@logic-node-20200101T000000Z" % (TARGET, TARGET, TARGET))
    said = sync(code=1)
    assert "nothing is overwritten" in said, said
    say_and_do(re.search(r"zfs rename \S+ [^\s)]+", said).group(0))
    assert sync().startswith("whole: ")


@story
def torn_and_bent_streams_are_refused_and_the_next_run_mends_it():
    write("one")
    sync()
    real = '[ "$1" = send ] && [ "$2" != -n ] || exec /usr/bin/zfs "$@"\n/usr/bin/zfs "$@" | '
    for what, how in [("torn", "head -c 3M"), ("bent", "{ head -c 3M; head -c 1000 | tr '\\000-\\377' '\\001-\\377\\000'; cat; }")]:
        before = snapshots(TARGET)
        write_large(8)
        program("zfs", real + how + "\nexit 0\n")
        assert "was not taken" in sync(code=1)
        note("(the stream was %s)" % what)
        equal(snapshots(TARGET), before)
        real_programs()
        sync()
        same_on_both()


@story
def without_encryption_and_below_a_target_that_is_closed():
    fresh(encryption="off")
    write("one")
    assert sync().startswith("whole: ")
    write("two")
    assert sync().startswith("incremental: ")
    same_on_both(key=False)
    shell("zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///run/key vault/closed")
    configure(TARGET="vault/closed/node")
    assert sync().startswith("whole: ")
    shell("zfs unmount vault/closed; zfs unload-key -r vault/closed")
    write("three")
    said = sync(code=1)
    assert "zfs load-key -r vault/closed" in said, said
    say_and_do("zfs load-key -r vault/closed")
    assert sync().startswith("incremental: ")


@story
def a_changed_key_comes_along():
    write("one")
    sync()
    shell("head -c 32 /dev/urandom > /run/new-key")
    say_and_do("zfs change-key -o keylocation=file:///run/new-key " + SOURCE)
    write("two")
    sync()
    assert shell("zfs load-key -L file:///run/key " + TARGET, 255)
    shell("cp /run/new-key /run/key")
    same_on_both()
    note("the old key opens the copy no more, the new one does")


@story
def with_no_more_rights_than_its_unit_gives():
    with open(UNIT) as f:
        names = re.search(r"^CapabilityBoundingSet=(.*)$", f.read(), re.M).group(1).lower().replace("cap_", "+").split()
    bound = "setpriv --no-new-privs --bounding-set=-all,%s --inh-caps=-all " % ",".join(names)
    note("each run by `%s`, as zfs-sync.service says" % bound.strip())
    shell("chmod 700 /tank/node")
    for number in range(4):
        configure(KEEP="2")
        write("entry %d" % number)
        said = sync(before=bound, tell=number in (0, 3))
        assert said.startswith("incremental: " if number else "whole: "), said
    equal((len(snapshots(SOURCE)), snapshots(SOURCE)), (2, snapshots(TARGET)))
    write_large()
    start_and_wait_until_some_arrived(int(value("used", TARGET)))
    kill_all_of_it()
    assert "resumed: " in sync(before=bound)
    same_on_both()


@story
def another_machine_by_ssh():
    configure(SSH="root@vault")
    shell("mkdir -p /etc/ssh /home/.ssh && chmod 700 /home/.ssh && rm -f /home/.ssh/* /etc/ssh/host*")
    shell("ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/host && ssh-keygen -q -t ed25519 -N '' -f /home/.ssh/id_ed25519")
    shell("cp /home/.ssh/id_ed25519.pub /home/.ssh/authorized_keys; /usr/sbin/sshd -f /dev/null -h /etc/ssh/host"
          " -o ListenAddress=127.0.0.1 -o StrictModes=no")
    write("one")
    assert "does ssh root@vault work?" in sync(code=1)
    shell("echo vault $(cut -d' ' -f1,2 /etc/ssh/host.pub) > /home/.ssh/known_hosts")
    note("its key was put into known_hosts")
    assert sync().startswith("whole: ")
    write_large()
    start_and_wait_until_some_arrived(int(value("used", TARGET)))
    shell("pkill -f '[s]shd: root@notty'; for i in $(seq 300); do pgrep -x ssh > /dev/null || break; sleep 0.1; done;"
          " kill -KILL -$(cat /run/group); true")
    note("when more than %d MiB of %d had arrived, the connection was broken" % (SOME_MIB, LARGE_MIB))
    real_programs()
    said = sync()
    assert "resumed: " in said, said
    same_on_both()


def facts(told):
    versions = shell("zfs version").split()
    qemu = guest_zfs.ask(guest.folder, "qemu-system-x86_64", "--version").splitlines()[0]
    return [("date", ", ".join(sorted({row["date"] for row in told.values()}))),
            ("kernel", shell("uname -rv")),
            ("OpenZFS", "userland %s, modules %s, compiled from Debian's zfs-dkms" % tuple(versions[:2])),
            ("machine", "%s, TCG (no KVM), %d MiB of memory, two disks of %d MiB" % (qemu, guest_zfs.MEMORY_MIB, guest_zfs.DISK_MIB)),
            ("start of the machine", "%.0f s" % guest.boot_s),
            ("`deploy/zfs_sync.sh`", "SHA-256 `%s`" % SCRIPT_HASH),
            ("all tests", "%.0f s, beside other work of the machine" % sum(row["seconds"] for row in told.values()))]


def record(told):
    lines = ["# zfs_sync.sh on OpenZFS", "",
             "Written by `make guest-zfs` (tests/guest/zfs.py) from what was said in the machine; not by hand.", "", "| | |", "|---|---|"]
    lines += ["| %s | %s |" % fact for fact in facts(told)]
    for test in tap.tests:
        row = told[test.__name__]
        title = test.__name__.replace("_", " ")
        before = "" if row["script"] == SCRIPT_HASH else "; by the script as it was before, SHA-256 `%s…`" % row["script"][:8]
        lines += ["", "## " + title[0].upper() + title[1:], "", "%.0f s%s" % (row["seconds"], before), "",
                  *["- " + text for text in row["notes"]]]
    lines += ["", "## What this does not show", "", NOT_SHOWN.strip(), ""]
    os.makedirs(os.path.dirname(RECORD), exist_ok=True)
    with open(RECORD, "w") as f:
        f.write("\n".join(lines))
    print("# written: " + os.path.relpath(RECORD, ROOT))


NOT_SHOWN = """
- Another OpenZFS than this one (Debian 13 has 2.3), and a target whose OpenZFS is older than the source's.
- A disk that loses what it had acknowledged: the power cut kills the machine, its disks are files that keep every write.
- A dataset with children (only the dataset itself is replicated), volumes, delegated rights (`zfs allow`): all ran as root.
- Speed: nothing here says how fast a real machine is.
"""


def main():
    global guest
    with guest_zfs.Guest({"zfs_sync.sh": SCRIPT}) as guest:
        try:
            tap.run()
        finally:
            told = told_before()
            if all(test.__name__ in told for test in tap.tests):
                record(told)


if __name__ == "__main__":
    main()
