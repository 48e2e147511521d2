# SPDX-License-Identifier: Apache-2.0
"""Tests in JavaScript, run by `node --test`: each file's results as TAP of the one who started them.

    program = node_program()                     raises debian_root.Unavailable: no node, or an old one
    report = Report(); report.file(program, folder, "some.test.js", env); report.end()
"""
import os
import re
import shutil
import signal
import subprocess
import threading

from debian_root import unavailable

FILE_LIMIT_S = 300
NODE_MIN = 18
RESULT = re.compile(r"^(ok|not ok) \d+(?: - )?(.*)$")


def node_program():
    program = shutil.which("node")
    if not program:
        unavailable("no node: apt-get install nodejs")
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < NODE_MIN:
        unavailable("node is %s; at least %d is needed" % (version, NODE_MIN))
    return program


class Report:
    """TAP of several files as one."""

    def __init__(self):
        self.count = self.failed = 0

    def line(self, good, name):
        self.count += 1
        self.failed += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.count, name), flush=True)

    def file(self, program, folder, name, env=None):
        """Each test of the file; and one that says whether the file came to its end."""
        short, seen, plan, loud = name.split(".")[0], 0, None, False
        child = subprocess.Popen([program, "--test-reporter=tap", name], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
        clock = threading.Timer(FILE_LIMIT_S, os.killpg, (child.pid, signal.SIGKILL))  # our own child's session
        clock.start()
        try:
            for line in child.stdout:
                hit, said = RESULT.match(line), re.match(r"1\.\.(\d+)", line)
                if hit:
                    seen, loud = seen + 1, hit.group(1) != "ok"
                    self.line(hit.group(1) == "ok", "%s: %s" % (short, hit.group(2)))
                elif said:
                    plan = int(said.group(1))
                elif loud and line[0] == " " or not line.startswith((" ", "TAP version", "# ")):  # why it failed; what a package prints
                    print("# " + line.rstrip())
            child.wait()
        finally:
            clock.cancel()
        self.line(plan == seen and seen > 0 and child.returncode in (0, 1),
                  "%s came to its end: %d tests, exit %s" % (name, seen, child.returncode))

    def end(self):
        """The plan; the exit status of the one who started them."""
        print("1..%d" % self.count)
        return int(self.failed != 0)
