# SPDX-License-Identifier: Apache-2.0
"""deploy/deploy.sh in a plain folder: every stage, every failure, a kill at every step.

Real: the script, systemd-sysusers and systemd-tmpfiles, mounts, a build error of meson. FAKE: systemctl, and a node that answers
as its version says (tests/harness/deployed.py). The same under a real systemd, with a real node: tests/system/deploy_machine.py.
"""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from deployed import PATIENCE_S, SCRIPT, Place  # noqa: E402
from node import LOGICCTL, LOGICD, ROOT, Tap, equal, wait_for  # noqa: E402

tap = Tap()


def refused(place, tree, stage, *words, options=(), status=1):
    """This deploy fails at `stage` with these words, and version 1 answers and is in force as if nobody had tried."""
    links = [place.link(name) for name in ("current", "previous")]
    versions, unit = place.versions(), place.read(place.root, "etc/systemd/system/logic-orchestrator.service")
    report = place.deploy(tree, *options, status=status)
    equal(report["stage"], stage)
    for word in words:
        assert word in report["sentence"], (word, report["sentence"])
    equal(report["changed"], False)
    equal(place.served(), "1")
    equal([place.link(name) for name in ("current", "previous")], links)
    equal(place.versions(), versions)
    equal(place.read(place.root, "etc/systemd/system/logic-orchestrator.service"), unit)
    equal([name for name in os.listdir(place.home + "/versions") if name in (".trial", ".new")], [])
    return report


@tap.test
def first_time_then_nothing_to_do_then_a_new_version():
    with Place() as place:
        one = place.tree(1)
        report = place.deploy(one)
        equal((report["changed"], report["version"], report["previous"]), (True, "1", ""))
        equal([s["name"] for s in report["stages"]], "models rules build permissions switch restart wait report".split())
        equal(place.served(), "1")
        equal({name: place.link(name) for name in ("bin", "kb/core", "kb/main.pl", "www", "ansible", "current")},
              {"bin": "current/bin", "kb/core": "../current/kb/core", "kb/main.pl": "../current/kb/main.pl", "www": "current/web",
               "ansible": "current/ansible", "current": "versions/1"})
        before, asked = place.everything(), place.asked()
        report = place.deploy(one)
        equal((report["changed"], report["sentence"]), (False, "nothing to do: version 1 has these very files, and is in force"))
        equal(place.everything(), before)
        assert not [line for line in place.asked()[len(asked):] if not line.startswith("show")], place.asked()
        report = place.deploy(place.tree(2))
        equal((report["version"], report["previous"], place.served()), ("2", "1", "2"))
        equal(place.read(place.root, "etc/systemd/system/logic-orchestrator.service"), "# unit of 2\n")


@tap.test
def version_that_stopped_answering_is_started_again():
    with Place() as place:
        one = place.tree(1)
        place.deploy(one)
        place.write(os.path.join(place.fake, "state"), "inactive\n")
        equal((place.served(), place.deploy(one)["changed"], place.served(), place.versions()), (None, True, "1", ["1"]))


@tap.test
def core_is_read_only_state_is_the_nodes_secrets_are_closed():
    with Place() as place:
        one = place.tree(1)
        os.chmod(one + "/kb/core/a.pl", 0o666)
        os.chmod(one + "/kb", 0o777)
        place.deploy(one)
        secret = place.home + "/secrets/pool"
        place.write(secret, "x", 0o644)
        place.write(os.path.join(place.fake, "state"), "inactive\n")
        place.deploy(one)
        node = os.stat(place.home + "/kb/state").st_uid
        assert node != 0
        for folder, names, files in os.walk(place.home + "/versions/1"):
            for name in names + files:
                what = os.lstat(os.path.join(folder, name))
                equal((name, what.st_uid, what.st_gid, what.st_mode & 0o022), (name, 0, 0, 0))
        for path, uid, mode in (("", 0, 0o1775), ("kb", 0, 0o1775), ("kb/state", node, 0o755), ("secrets", node, 0o700), ("keys", 0, 0o700),
                                ("ledger", node, 0o700), ("secrets/pool", 0, 0o600), ("versions", 0, 0o755)):
            what = os.stat(os.path.join(place.home, path))
            equal((path, what.st_uid, what.st_mode & 0o7777), (path, uid, mode))
        tries = ("rm %(h)s/bin || ln -sfn /tmp %(h)s/current || echo x > %(h)s/kb/core/a.pl || "
                 "mv %(h)s/versions %(h)s/v || touch %(h)s/kb/core/b.pl")
        done = subprocess.run(["setpriv", "--reuid=%d" % node, "--regid=%d" % os.stat(place.home).st_gid, "--clear-groups",
                               "sh", "-c", tries % {"h": place.home}], stderr=subprocess.DEVNULL, check=False)
        assert done.returncode != 0, "the node replaced its own programs"


@tap.test
def model_that_is_not_what_it_was_stops_it():
    with Place() as place:
        place.deploy(place.tree(1))
        two, models = place.tree(2), place.home + "/llm/models/"
        place.write(models + "a.gguf", "weights")
        refused(place, two, "models", "there is no", "sha256sums", "compare")
        sums = subprocess.run(["sha256sum", "a.gguf"], cwd=models, stdout=subprocess.PIPE, text=True, check=True).stdout
        place.write(models + "sha256sums", sums)
        place.write(models + "b.gguf", "others")
        refused(place, two, "models", "'b.gguf' is not in")
        os.remove(models + "b.gguf")
        place.write(models + "a.gguf", "weightz")
        refused(place, two, "models", "a.gguf: FAILED", "fetch it again")
        os.remove(models + "a.gguf")
        refused(place, two, "models", "a.gguf")
        place.write(models + "a.gguf", "weights")
        equal(place.deploy(two)["version"], "2")


@tap.test
def rules_are_checked_with_the_machines_own_facts():
    with Place() as place:
        place.deploy(place.tree(1))
        refused(place, place.tree(2, kb__core__b_pl="bad rule\n"), "rules", "the rules are refused", "core/b.pl:1:bad rule")
        two, fact = place.tree(2), os.path.join(place.site, "mine.pl")
        place.write(fact, "bad rule\n")
        refused(place, two, "rules", fact + ":1:bad rule")
        os.remove(fact)
        os.rename(place.site, place.site + "-away")
        refused(place, two, "rules", "there are no facts in", "logicctl setup")
        os.rename(place.site + "-away", place.site)
        refused(place, place.tree(3, kb__main_pl=None), "rules", "no kb/main.pl", "--from wants")
        equal(place.deploy(two)["version"], "2")


@tap.test
def the_real_gate_refuses_a_rule_and_a_fact():
    """Real: logicd kb-check, over the rules of this tree."""
    with Place() as place:
        place.deploy(place.tree(1))
        two = place.tree(2, kb__core__a_pl=None)
        for program in (LOGICD, LOGICCTL):
            subprocess.run(["cp", program, two + "/bin/" + os.path.basename(program)], check=True)
        subprocess.run(["cp", "-R", ROOT + "/kb/main.pl", ROOT + "/kb/core", ROOT + "/kb/site", two + "/kb/"], check=True)
        subprocess.run("cp %s/kb/site/*.pl %s/" % (ROOT, place.site), shell=True, check=True)
        place.write(os.path.join(place.site, "wrong.pl"), "no_such_fact(of, this, house).\n")
        refused(place, two, "rules", "wrong.pl:1", "no_such_fact")
        os.remove(os.path.join(place.site, "wrong.pl"))
        rule = two + "/kb/core/3_rules/intruder.pl"
        place.write(rule, ":- module(intruder, []).\n:- initialization(shell('touch /tmp/intruded')).\n")
        refused(place, two, "rules", "3_rules/intruder.pl")
        assert not os.path.exists("/tmp/intruded")
        os.remove(rule)
        equal(place.deploy(two)["version"], "2")


@tap.test
def build_that_fails_stops_it():
    with Place() as place:
        place.deploy(place.tree(1))
        refused(place, place.tree(2, bin__logicctl=None), "build", "no bin/logicctl that can be run")
        refused(place, place.tree(2, bin__logicd=LOGICD_THAT_DOES_NOT_RUN), "build", "does not run on this machine", "libnone.so")
        refused(place, place.tree(2, web__health=None, web__version=None), "build", "has no web")
        two = place.tree(2)
        os.symlink("/etc/shadow", two + "/web/page")
        refused(place, two, "build", "neither a file nor a folder: web/page")
        sources = place.tree(2)
        for wrong, word in (("error('the tree is broken')", "the tree is broken"), ("executable('logicd', 'none.c')", "none.c")):
            place.write(sources + "/meson.build", "project('x', 'c')\n%s\n" % wrong)
            place.write(sources + "/tools/kb_check.pl", ":- initialization(halt(0)).\n")
            report = refused(place, sources, "build", "meson setup failed")
            assert word in report["said"] + report["sentence"], report
        place.write(sources + "/meson.build", "project('x', 'c')\nsubdir('src')\n")
        place.write(sources + "/src/meson.build", "subdir('6_program')\n")
        place.write(sources + "/src/6_program/meson.build",
                    "foreach n : ['logicd', 'logicctl', 'logicagent']\n  executable(n, 'x.c')\nendforeach\n")
        place.write(sources + "/src/6_program/x.c", "int main(void) { return nothing; }\n")
        report = refused(place, sources, "build", "the build failed", "error")
        assert "nothing" in report["said"], report


@tap.test
def sources_are_compiled_as_their_owner_and_come_into_force():
    """Small sources of their own; those of this tree: tests/system/deploy_sources.py."""
    with Place() as place:
        place.deploy(place.tree(1))
        sources = place.sources(2)
        subprocess.run(["chown", "-R", "nobody", sources], check=True)
        report = place.deploy(sources)
        equal((report["version"], report["previous"], place.served()), ("2", "1", "2"))
        equal([s["name"] for s in report["stages"]], "models rules build permissions switch restart wait report".split())
        program = place.home + "/bin/logicd"
        equal(subprocess.run([program, "version"], stdout=subprocess.PIPE, text=True, check=True).stdout, "compiled 2\n")
        whose = {os.lstat(os.path.join(at, name)).st_uid for at, _, names in os.walk(sources + "/build") for name in names}
        equal(whose, {os.stat(sources).st_uid})  # whatever a build runs, it does not run as root
        equal({os.stat(program).st_uid, os.stat(place.home + "/versions/2/web/version").st_uid}, {0})
        equal((place.deploy(sources)["changed"], place.served()), (False, "2"))
        place.write(sources + "/src/6_program/x.c", "int main(void) { return nothing; }\n")
        report = refused_behind(place, sources, "2")
        assert "the build failed" in report["sentence"], report
        place.sources(3, sources)
        equal((place.deploy(sources)["version"], place.served()), ("3", "3"))
        equal(subprocess.run([program, "version"], stdout=subprocess.PIPE, text=True, check=True).stdout, "compiled 3\n")
        equal((place.deploy(None, "--rollback")["version"], place.served()), ("2", "2"))


def refused_behind(place, sources, served):
    report = place.deploy(sources, status=1)
    equal((report["stage"], report["changed"], place.served(), place.link("current")), ("build", False, served, "versions/" + served))
    return report


LOGICD_THAT_DOES_NOT_RUN = """#!/bin/sh
[ "$1" != version ] || { echo "error while loading shared libraries: libnone.so" >&2; exit 127; }
"""


@tap.test
def folder_put_there_by_hand_is_left_alone():
    with Place() as place:
        place.deploy(place.tree(1))
        os.remove(place.home + "/www")
        os.mkdir(place.home + "/www")
        refused(place, place.tree(2), "permissions", "/www is no link", "move it away")


@tap.test
def read_only_target_stops_it():
    with Place() as place:
        place.deploy(place.tree(1))
        place.mount("--bind", place.home, place.home)
        subprocess.run(["mount", "-o", "remount,ro,bind", place.home], check=True)
        refused(place, place.tree(2), "lock", "read-only")
        place.umount()
        equal(place.deploy(place.tree(2))["version"], "2")


@tap.test
def full_disk_stops_it():
    with Place() as place:
        os.makedirs(place.home + "/versions")
        place.mount("-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", place.home + "/versions")
        place.deploy(place.tree(1))
        for name, size in (("web__large", 1 << 20), ("kb__core__large", 1 << 20), ("bin__large", 1 << 20)):
            refused(place, place.tree(2, **{name: "x" * size}), "build" if name == "web__large" else "rules", "make room")
        equal(place.deploy(place.tree(2))["version"], "2")


@tap.test
def unit_folder_that_cannot_be_written_puts_the_old_version_back():
    with Place() as place:
        place.deploy(place.tree(1))
        units = place.root + "/etc/systemd/system"
        place.mount("--bind", units, units)
        subprocess.run(["mount", "-o", "remount,ro,bind", units], check=True)
        refused(place, place.tree(2), "switch", "cannot write", "Version 1 is in force as before")


@tap.test
def version_that_does_not_come_up_is_put_back():
    with Place() as place:
        place.deploy(place.tree(1))
        report = refused(place, place.tree(2, "down"), "restart", "does not come up", "Version 1 is in force as before")
        assert "Job for it failed" in report["sentence"], report
        refused(place, place.tree(3, "503"), "wait", "within 2 s", "/readyz 200", "Version 1 is in force as before",
                options=("--wait", "2"))
        equal(place.deploy(place.tree(2))["previous"], "1")


@tap.test
def first_version_that_fails_leaves_nothing_running():
    with Place() as place:
        report = place.deploy(place.tree(1, "down"), status=1)
        assert "no version before" in report["sentence"], report
        equal((place.link("current"), place.versions(), place.asked()[-1]), (None, [], "stop logic-orchestrator.service"))
        equal(place.deploy(place.tree(1))["version"], "1")


@tap.test
def signal_puts_the_old_version_back():
    for word in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with Place() as place:
            place.deploy(place.tree(1))
            running = place.start("--wait", "100", tree=place.tree(2, "503"))
            wait_for("the switch", lambda: place.link("current") == "versions/2" and place.read(place.fake, "version") == "2\n")
            running.send_signal(word)
            said, _ = running.communicate(timeout=PATIENCE_S)
            assert "Version 1 is in force as before" in said, said  # "interrupted", or what the look just then came to
            equal((running.returncode, place.served(), place.link("current"), place.versions()), (1, "1", "versions/1", ["1"]))


def sound(place):
    """What is in force is one whole version, or what was there before."""
    current = place.link("current")
    for name in ("bin", "kb/core", "kb/main.pl", "www", "ansible"):
        assert os.path.exists(os.path.join(place.home, name)), (name, current)
    equal(place.read(place.home, "www/version").strip(), os.path.basename(current))
    assert place.served() in ("1", "2"), place.served()


@tap.test
def killed_at_every_step_it_leaves_a_whole_version_and_is_recovered():
    with Place() as place:
        one = place.tree(1)
        place.deploy(one)
        two, run = place.tree(2), place.counters()
        status, steps = run(0, two)  # nobody kills: how many steps are there?
        equal((status, place.served()), (0, "2"))
        place.deploy(one)
        trials = 0
        for step in range(1, steps + 1):
            subprocess.run(["rm", "-rf", place.home + "/versions/2"], check=True)
            if place.link("previous"):
                os.remove(place.home + "/previous")
            status, _ = run(step, two)
            if status == 0:  # it waited less often this time
                place.deploy(one)
                continue
            equal(status, -signal.SIGKILL)
            place.left_alone()
            sound(place)
            trial = os.path.exists(place.home + "/versions/.trial")
            trials += trial
            place.deploy(None, "--recover")
            sound(place)
            if trial:
                equal((place.served(), place.link("current"), place.link("previous")), ("1", "versions/1", None))
            if place.served() != "1":
                place.deploy(one)
            equal((place.served(), place.link("current")), ("1", "versions/1"))
        assert trials > 4 and steps > 60, (trials, steps)
        print("# %d steps, %d of them behind the switch" % (steps, trials))


@tap.test
def next_deploy_recovers_what_a_kill_left():
    with Place() as place:
        place.deploy(place.tree(1))
        running = place.start("--wait", "100", tree=place.tree(2, "503"))
        wait_for("the switch", lambda: place.link("current") == "versions/2" and place.read(place.fake, "version") == "2\n")
        running.kill()
        running.communicate()
        equal(place.served(), None)
        place.left_alone()
        report = place.deploy(place.tree(1))
        assert "was interrupted before it was proved" in report["said"], report
        equal((report["changed"], place.served(), place.versions()), (False, "1", ["1"]))


@tap.test
def rollback_is_one_command_and_goes_both_ways():
    with Place() as place:
        place.deploy(place.tree(1))
        report = place.deploy(None, "--rollback", status=1)
        assert "there is no version before" in report["sentence"], report
        place.deploy(place.tree(2))
        report = place.deploy(None, "--rollback")
        equal((report["version"], report["previous"], place.served()), ("1", "2", "1"))
        equal(place.read(place.root, "etc/systemd/system/logic-orchestrator.service"), "# unit of 1\n")
        equal((place.deploy(None, "--rollback")["version"], place.served()), ("2", "2"))
        place.write(os.path.join(place.site, "mine.pl"), "bad rule\n")
        report = place.deploy(None, "--rollback", status=1)
        equal((report["stage"], place.served(), place.link("current")), ("rules", "2", "versions/2"))
        os.remove(os.path.join(place.site, "mine.pl"))
        place.write(place.home + "/versions/1/web/health", "other\n")
        report = place.deploy(None, "--rollback", status=1)
        assert "not what they were" in report["sentence"], report


@tap.test
def version_that_was_changed_by_hand_is_replaced():
    with Place() as place:
        one = place.tree(1)
        place.deploy(one)
        place.write(place.home + "/versions/1/web/version", "9\n")
        report = place.deploy(one)
        assert "the files of version 1 are not what they were" in report["said"], report
        equal((report["changed"], report["version"], place.read(place.home, "www/version")), (True, "2", "1\n"))


@tap.test
def package_becomes_the_version_before():
    with Place() as place:
        lib, share = place.root + "/usr/lib/logic-node/bin", place.root + "/usr/share/logic-node"
        for path, text in ((lib + "/logicd", LOGICD_THAT_RUNS), (share + "/kb/main.pl", ""), (share + "/kb/core/a.pl", ""),
                           (share + "/web/health", "ok\n"), (share + "/web/version", "package\n"), (share + "/ansible/a.yml", "")):
            place.write(path, text, 0o755)
        os.makedirs(place.home + "/kb")
        for name, target in (("bin", lib), ("kb/core", share + "/kb/core"), ("kb/main.pl", share + "/kb/main.pl"),
                             ("www", share + "/web"), ("ansible", share + "/ansible")):
            os.symlink(target[len(place.root):], os.path.join(place.home, name))
        report = place.deploy(place.tree(1))
        equal((report["version"], report["previous"], place.served()), ("1", "package", "1"))
        equal(place.link("versions/package/bin"), "/usr/lib/logic-node/bin")
        equal(place.link("bin"), "current/bin")


LOGICD_THAT_RUNS = "#!/bin/sh\nexit 0\n"


@tap.test
def three_versions_are_kept_and_the_two_in_use():
    with Place() as place:
        for number in range(1, 6):
            place.deploy(place.tree(number))
        equal(place.versions(), ["3", "4", "5"])
        place.deploy(place.tree(3))  # known: in force again, nothing copied
        equal((place.versions(), place.link("current"), place.link("previous")), (["3", "4", "5"], "versions/3", "versions/5"))
        for number in (6, 7):
            place.deploy(place.tree(number))
        place.deploy(None, "--rollback")
        for number in (8, 9):
            refused_by = place.tree(number, "down")
            place.deploy(refused_by, status=1)
        equal(place.versions(), ["5", "6", "7"])
        equal((place.link("current"), place.link("previous"), place.served()), ("versions/6", "versions/7", "6"))


@tap.test
def dry_run_changes_nothing():
    with Place() as place:
        one = place.tree(1)
        place.write(os.path.join(place.site, "mine.pl"), "bad rule\n")
        before = place.everything()
        equal(place.deploy(one, "--dry-run", status=1)["stage"], "rules")
        equal(place.everything(), before)
        os.remove(os.path.join(place.site, "mine.pl"))
        place.deploy(one)
        two, before = place.tree(2), place.everything()
        assert "a version 2 would be put in force" in place.deploy(two, "--dry-run")["sentence"]
        assert "nothing to do" in place.deploy(one, "--dry-run")["sentence"]
        equal(place.everything(), before)


@tap.test
def two_at_once_are_kept_apart():
    with Place() as place:
        place.deploy(place.tree(1))
        place.write(os.path.join(place.fake, "slow"), "4")
        first = place.start(tree=place.tree(2))
        wait_for("the switch", lambda: place.link("current") == "versions/2")
        for options in ((), ("--rollback",), ("--recover",)):
            report = place.deploy(None if options else place.tree(3), *options, status=75)
            assert "another deploy.sh runs" in report["sentence"], report
        said, _ = first.communicate(timeout=PATIENCE_S)
        equal((first.returncode, place.served(), place.versions()), (0, "2", ["1", "2"])), said


@tap.test
def image_is_made_without_starting_anything():
    with Place() as place:
        os.remove(os.path.join(place.site, "house.pl"))  # an image has no owner yet: the examples are checked
        report = place.deploy(place.tree(1), systemctl=False)
        assert "not started (--root)" in report["sentence"], report
        equal((place.asked(), place.link("current")), ([], "versions/1"))


@tap.test
def own_unit_stays():
    with Place() as place:
        unit = place.root + "/etc/systemd/system/logic-orchestrator.service"
        place.write(unit, "# mine\n")
        report = place.deploy(place.tree(1))
        assert "is your own and stays" in report["said"], report
        equal((place.read(unit), place.served(), place.deploy(place.tree(1))["changed"]), ("# mine\n", "1", False))


@tap.test
def wrong_use_is_said():
    with Place() as place:
        for options, word in ((("--from",), "a value is missing behind --from"), (("--wait", "0"), "1 to 600"),
                              (("--wait", "601"), "1 to 600"), (("--wait", "soon"), "no number"), (("--from", "/none"), "no folder"),
                              (("--frm", "x"), "no option '--frm'"), (("--root", "/none"), "no folder")):
            report = place.deploy(None, *options, status=2, systemctl=False)
            assert word in report["sentence"], (options, report)
        odd = 'a "tree" with \\ in it'
        assert odd in place.deploy(None, "--from", odd, status=2)["sentence"]
        done = subprocess.run(["setpriv", "--reuid=65534", "sh"], stdin=open(SCRIPT), stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2 and "this wants root" in done.stderr, done


if __name__ == "__main__":
    tap.run()
