# SPDX-License-Identifier: Apache-2.0
"""A Windows desktop for tests: Wine with a prefix of its own below /tmp, on an Xvfb of its own. Both end with `close()`.

    desktop = Desktop()                     raises debian_root.Unavailable (with LN_ROOTS=must: fails)
    with desktop.start("agent.exe", "telemetry") as program: ...
"""
import os
import shutil
import subprocess
import tempfile

import debian_root

BOOT_LIMIT_S = 180
SCREEN = (1024, 768)
# No menus in anybody's home, no browser and no .NET, whose absence Wine would ask about.
OVERRIDES = "mscoree,mshtml=;winemenubuilder.exe=d"


class Program:
    """One program on the desktop, killed at the end; what it says is in files, so that it never waits for a reader."""

    def __init__(self, desktop, argv):
        self.out_path = os.path.join(desktop.folder, "out-%d" % desktop.count)
        desktop.count += 1
        with open(self.out_path, "wb") as out, open(self.out_path + ".err", "wb") as err:
            self.process = subprocess.Popen(["wine", *argv], env=desktop.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def out(self):
        with open(self.out_path, "rb") as f:
            return f.read()

    def err(self):
        with open(self.out_path + ".err", "rb") as f:
            return f.read().decode(errors="replace")

    def close(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()


class Desktop:
    def __init__(self):
        if os.uname().machine != "x86_64":
            debian_root.unavailable("Wine runs programs for amd64 on amd64 only")
        for tool in ("wine", "wineserver", "Xvfb"):
            if not shutil.which(tool):
                debian_root.unavailable("no %s: apt-get install wine xvfb" % tool)
        self.folder, self.count, self.screen = tempfile.mkdtemp(prefix="ln-wine-"), 0, None
        self.env = {**os.environ, "HOME": self.folder, "WINEPREFIX": os.path.join(self.folder, "prefix"), "WINEARCH": "win64",
                    "WINEDEBUG": "-all", "WINEDLLOVERRIDES": OVERRIDES, "XDG_RUNTIME_DIR": self.folder}
        try:
            self.open_screen()
            subprocess.run(["wine", "wineboot", "-i"], env=self.env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=BOOT_LIMIT_S)
        except BaseException:
            self.close()
            raise

    def open_screen(self):
        """Xvfb takes a display that is free and says which."""
        reads, writes = os.pipe()
        self.screen = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writes), "-nolisten", "tcp", "-screen", "0", "%dx%dx24" % SCREEN], pass_fds=[writes],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(writes)
        with os.fdopen(reads) as said:
            number = said.readline().strip()
        assert number, "Xvfb did not start"
        self.env["DISPLAY"] = ":" + number

    def start(self, *argv):
        return Program(self, argv)

    def run(self, *argv, limit_s=120):
        """(exit code, what it said, its complaints)"""
        with self.start(*argv) as program:
            code = program.process.wait(limit_s)
            return code, program.out(), program.err()

    def close(self):
        if shutil.which("wineserver"):  # ends the programs of this prefix and no others
            subprocess.run(["wineserver", "-k"], env=self.env, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            subprocess.run(["wineserver", "-w"], env=self.env, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=BOOT_LIMIT_S)
        if self.screen:
            self.screen.kill()
            self.screen.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
