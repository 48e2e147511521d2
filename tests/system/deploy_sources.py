# SPDX-License-Identifier: Apache-2.0
"""The sources of this tree through deploy/deploy.sh: compiled, checked by their own gate, put in force, and the node that was compiled
answers as its own user; then a change of a line, and back.

FAKE: systemctl, which starts and ends that very program without a systemd. The compiler is told not to optimise (CFLAGS): a test
has no minutes. The same script under a real systemd, with a built tree: tests/system/deploy_machine.py.
"""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import deb  # noqa: E402
from deployed import Place  # noqa: E402
from node import ROOT, Skip, Tap, equal, free_port  # noqa: E402

tap = Tap()
COMPILE_S = 500
MARK = "a line that somebody changed"
SYSTEMCTL = """#!/bin/sh
home=%(home)s
cd %(fake)s || exit 9
stop() {
    [ -f pid ] || return 0
    kill "$(cat pid)" 2> /dev/null
    while kill -0 "$(cat pid)" 2> /dev/null; do sleep 0.1; done
    rm pid
}
case $1 in
show) if kill -0 "$(cat pid)" 2> /dev/null; then echo active; else echo failed; fi ;;
stop) stop ;;
restart)
    stop
    setpriv --reuid="$(stat -c %%u $home/kb/state/)" --regid="$(stat -c %%g $home/kb/state/)" --clear-groups -- \\
        $home/bin/logicd serve --home $home --kb $home/kb --web $home/www --playbooks $home/ansible --listen 127.0.0.1:%(port)d \\
        > log 2>&1 < /dev/null 9>&- &
    echo $! > pid ;;
esac
"""


class Compiled(Place):
    """A place without a fake node: what was compiled answers."""

    def __enter__(self):
        self.write(self.systemctl, SYSTEMCTL % {"home": self.home, "fake": self.fake, "port": free_port()}, 0o755)
        os.remove(self.site + "/house.pl")
        for name in os.listdir(ROOT + "/kb/site"):
            if name.endswith(".pl"):
                shutil.copy(os.path.join(ROOT, "kb/site", name), self.site)
        os.rmdir(self.home + "/run")  # the node makes it
        os.symlink(self.site, self.home + "/site")  # the layout's leads to /etc, which is another one here
        os.environ["CFLAGS"] = "-O0 -U_FORTIFY_SOURCE -Wno-cpp"
        return self

    def __exit__(self, *_):
        del os.environ["CFLAGS"]
        subprocess.run([self.systemctl, "stop"], check=False)
        shutil.rmtree(self.folder)

    def this_tree(self):
        tree = self.path("sources")
        for name, (data, executable) in deb.sources().items():
            path = os.path.join(tree, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data)
            os.chmod(path, 0o755 if executable else 0o644)
        return tree

    def asks(self, path):
        done = subprocess.run(["curl", "-s", "--unix-socket", self.home + "/run/api.sock", "http://localhost" + path],
                              stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    def program(self):
        """The file that the node runs."""
        return os.readlink("/proc/%s/exe" % self.read(self.fake, "pid").strip())

    def has_mark(self, version):
        with open("%s/versions/%s/bin/logicd" % (self.home, version), "rb") as f:
            return MARK.encode() in f.read()


@tap.test
def this_tree_is_compiled_and_its_node_answers():
    if not shutil.which("meson") or not shutil.which("ninja"):
        raise Skip("no meson or ninja: tools/install.sh")
    with Compiled() as place:
        sources = place.this_tree()
        report = place.deploy(sources, "--wait", "120", patience_s=COMPILE_S)
        print("# " + ", ".join("%s %d s" % (stage["name"], stage["seconds"]) for stage in report["stages"]))
        equal((report["changed"], report["version"], report["previous"]), (True, "1", ""))
        equal(place.program(), place.home + "/versions/1/bin/logicd")
        status = os.stat("/proc/" + place.read(place.fake, "pid").strip())
        assert status.st_uid == os.stat(place.home + "/kb/state").st_uid != 0, status
        equal(json.loads(place.asks("/openapi.json"))["info"]["version"], deb.version())
        with open(sources + "/src/6_program/logicd.c", "a") as f:
            f.write('\nconst char changed_here[] = "%s";\n' % MARK)
        place.write(sources + "/web/changed.txt", MARK)
        report = place.deploy(sources, "--wait", "120", patience_s=COMPILE_S)
        print("# a line changed: " + ", ".join("%s %d s" % (stage["name"], stage["seconds"]) for stage in report["stages"]))
        equal((report["version"], report["previous"], place.program()), ("2", "1", place.home + "/versions/2/bin/logicd"))
        equal((place.has_mark("1"), place.has_mark("2"), place.asks("/changed.txt")), (False, True, MARK))
        rule = sources + "/kb/core/3_rules/wrong.pl"
        place.write(rule, ":- module(wrong, []).\nno rule at all\n")
        report = place.deploy(sources, status=1, patience_s=COMPILE_S)
        equal((report["stage"], report["changed"], place.program()), ("rules", False, place.home + "/versions/2/bin/logicd"))
        os.remove(rule)
        equal(place.deploy(None, "--rollback", "--wait", "120")["version"], "1")
        equal((place.program(), place.asks("/changed.txt") == MARK), (place.home + "/versions/1/bin/logicd", False))


if __name__ == "__main__":
    tap.run()
