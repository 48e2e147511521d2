# SPDX-License-Identifier: Apache-2.0
"""A machine in a plain folder for deploy/deploy.sh --root: small trees, a FAKE systemctl, and what would answer.

    with Place() as place:
        place.deploy(place.tree(1)); equal(place.served(), "1")

A tree's `web/health` says how its version fares: ok, down (the unit does not come up), 503 (it comes up and is not ready).
"""
import http.server
import json
import os
import shutil
import socketserver
import subprocess
import tempfile
import threading

from node import ROOT, Skip, wait_for

SCRIPT = os.path.join(ROOT, "deploy/deploy.sh")
PATIENCE_S = 120
LOGICD = """#!/bin/sh
case $1 in
version) echo "logicd fake" ;;
kb-check) ! grep -rn "bad rule" "$2" "$3" || exit 1 ;;
esac
"""
# What it is asked for stands in `asked`; what it started last in `health` and `version`, state in `state`.
SOURCE_PROGRAMS = "foreach name : ['logicd', 'logicctl', 'logicagent']\n  executable(name, 'x.c')\nendforeach\n"
SOURCE = """#include <stdio.h>
#include <string.h>
int main(int count, char **words)
{
    if (count > 1 && strcmp(words[1], "version") == 0)
        puts("compiled %s");
    return 0;
}
"""
SOURCE_WEB = """#!/bin/sh
mkdir -p "$1" && echo ok > "$1/health" && echo %s > "$1/version"
"""
FAKE_SYSTEMCTL = """#!/bin/sh
cd %s || exit 9
echo "$*" >> asked
case $1 in
show) cat state ;;
stop) echo inactive > state ;;
restart)
    [ ! -e slow ] || sleep "$(cat slow)"
    cp %s/www/health health && cp %s/www/version version
    if [ "$(cat health)" = down ]; then echo failed > state; echo "Job for it failed." >&2; exit 1; fi
    echo active > state ;;
esac
"""
# Each program that deploy.sh calls, behind one that counts, and at the call it was told of kills deploy.sh instead.
COUNTED = ("sha256sum find cp mkdir mv ln rm chown chmod systemd-sysusers systemd-tmpfiles sync timeout curl readlink cmp sed date "
           "basename dirname stat touch cut grep tail head sort xargs sleep")
COUNTER = """#!/bin/sh
n=$(($(/usr/bin/cat %(at)s/count) + 1))
echo $n > %(at)s/count
if [ $n -eq "$(/usr/bin/cat %(at)s/kill-at)" ]; then kill -9 "$(/usr/bin/cat %(at)s/pid)"; exit 137; fi
exec %(real)s "$@"
"""


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Place:
    def __init__(self):
        if os.geteuid() != 0:
            raise Skip("deploy.sh gives files to root, so it wants root")
        self.folder = tempfile.mkdtemp(prefix="ln-place-")
        os.chmod(self.folder, 0o755)
        self.root, self.fake = self.path("root"), self.path("fake")
        self.home = os.path.join(self.root, "opt/logic-node")
        self.site = os.path.join(self.root, "etc/logic-node/site")
        for folder in (self.site, self.fake, os.path.join(self.home, "run")):
            os.makedirs(folder)
        self.write(os.path.join(self.site, "house.pl"), "% facts\n")
        self.write(os.path.join(self.fake, "state"), "inactive\n")
        self.systemctl = os.path.join(self.fake, "systemctl")
        self.write(self.systemctl, FAKE_SYSTEMCTL % (self.fake, self.home, self.home), 0o755)
        self.mounts = []

    def __enter__(self):
        place = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if place.answers() else 503)
                self.end_headers()

            def log_message(self, *args):
                pass

            def address_string(self):
                return "here"

        self.server = Server(os.path.join(self.home, "run/api.sock"), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        for folder in reversed(self.mounts):
            subprocess.run(["umount", folder], check=True)
        shutil.rmtree(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def read(self, *names):
        with open(os.path.join(*names)) as f:
            return f.read()

    def tree(self, version, health="ok", **more):
        """A built tree; `more`: path with __ for / and _ for ., its text or None to leave it out."""
        tree = self.path("tree-%s" % version)
        shutil.rmtree(tree, ignore_errors=True)
        files = {"bin/logicd": LOGICD, "bin/logicctl": LOGICD,
                 "kb/main.pl": "% main\n", "kb/core/a.pl": "% rules\n", "kb/site/house.pl": "% example\n",
                 "web/health": health + "\n", "web/version": "%s\n" % version, "ansible/play.yml": "[]\n",
                 "deploy/systemd/logic-orchestrator.service": "# unit of %s\n" % version}
        files.update({path.replace("__", "/").replace("_", "."): text for path, text in more.items()})
        for path, text in files.items():
            if text is not None:
                self.write(os.path.join(tree, path), text, 0o755 if path.startswith("bin/") else 0o644)
        for name in ("layout.sysusers", "layout.tmpfiles", "deploy.sh"):
            shutil.copy(os.path.join(ROOT, "deploy", name), os.path.join(tree, "deploy", name))
        return tree

    def sources(self, version, tree=None):
        """Small sources in place of what is built: programs in C by meson, a page by a web.py of theirs."""
        tree = tree or self.tree(version)
        shutil.rmtree(tree + "/bin", ignore_errors=True)
        shutil.rmtree(tree + "/web", ignore_errors=True)
        for path, text in (("meson.build", "project('x', 'c')\nsubdir('src')\n"), ("src/meson.build", "subdir('6_program')\n"),
                           ("src/6_program/meson.build", SOURCE_PROGRAMS), ("src/6_program/x.c", SOURCE % version),
                           ("tools/kb_check.pl", ":- initialization(halt(0)).\n"), ("tools/web.py", SOURCE_WEB % version),
                           ("deploy/ansible/play.yml", "[]\n")):
            self.write(os.path.join(tree, path), text, 0o755 if path.endswith(".py") else 0o644)
        return tree

    def command(self, *options, tree=None, systemctl=True):
        command = ["sh", SCRIPT, "--root", self.root, "--json", *options]
        if systemctl:
            command += ["--systemctl", self.systemctl]
        return command + (["--from", tree] if tree else [])

    def deploy(self, tree=None, *options, status=0, patience_s=PATIENCE_S, **more):
        """Its report; `status` is what it must end with."""
        done = subprocess.run(self.command(*options, tree=tree, **more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=patience_s, check=False)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr[-3000:])
        report = json.loads(done.stdout)
        assert report["ok"] == (status == 0), report
        report["said"] = done.stderr
        return report

    def start(self, *options, tree=None):
        """In the background."""
        return subprocess.Popen(self.command(*options, tree=tree), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def left_alone(self):
        """Nobody holds the lock any more: the children of a deploy that was killed have ended."""
        lock = os.path.join(self.home, "versions/.lock")
        wait_for("its last child", lambda: subprocess.run(["flock", "-n", lock, "true"], check=False).returncode == 0)

    def answers(self):
        return self.read(self.fake, "state") == "active\n" and self.read(self.fake, "health") == "ok\n"

    def served(self):
        """The version that answers, None if none does."""
        return self.read(self.fake, "version").strip() if self.answers() else None

    def link(self, name):
        path = os.path.join(self.home, name)
        return os.readlink(path) if os.path.islink(path) else None

    def versions(self):
        return sorted(name for name in os.listdir(os.path.join(self.home, "versions")) if not name.startswith("."))

    def asked(self):
        path = os.path.join(self.fake, "asked")
        return self.read(path).splitlines() if os.path.exists(path) else []

    def mount(self, *arguments):
        done = subprocess.run(["mount", *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Skip("no mount here: " + done.stderr.strip())
        self.mounts.append(arguments[-1])

    def umount(self):
        subprocess.run(["umount", self.mounts.pop()], check=True)

    def everything(self):
        """Each path below the root with its mode, owner and bytes."""
        found = {}
        for folder, names, files in os.walk(self.root):
            for name in names + files:
                path = os.path.join(folder, name)
                what = os.lstat(path)
                body = os.readlink(path) if os.path.islink(path) else self.read(path) if os.path.isfile(path) else ""
                found[os.path.relpath(path, self.root)] = (what.st_mode, what.st_uid, what.st_mtime_ns if os.path.isfile(path) else 0, body)
        return found

    def counters(self):
        """An environment in which the n-th program that deploy.sh calls kills it, and the function that runs it so."""
        at = self.path("counters")
        for name in COUNTED.split():
            self.write(os.path.join(at, "bin", name), COUNTER % {"at": at, "real": shutil.which(name)}, 0o755)

        def run(number, tree):
            self.write(os.path.join(at, "count"), "0")
            self.write(os.path.join(at, "kill-at"), str(number))
            environment = dict(os.environ, PATH=os.path.join(at, "bin") + ":" + os.environ["PATH"])
            tell = "echo $$ > %s/pid; exec \"$@\"" % at
            process = subprocess.Popen(["/bin/sh", "-c", tell, "sh", *self.command(tree=tree)], env=environment,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            status = process.wait(PATIENCE_S)
            return status, int(self.read(at, "count")) if status == 0 else None  # children of one that was killed count on

        return run
