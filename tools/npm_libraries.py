#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The node's libraries from npm (tools/npm/package-lock.json) into build/npm; prints the path of sqlite-vec's vec0.so.

    logicd serve … --sqlite-vec "$(tools/npm_libraries.py)" --embedding-model NAME
"""
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FROM, TO = os.path.join(HERE, "npm"), os.path.join(os.path.dirname(HERE), "build", "npm")
FILES = ("package.json", "package-lock.json", ".npmrc")
LIMIT_S = 300


def installed():
    """The folder that has node_modules as package-lock.json says. RuntimeError with what npm said."""
    raw = b"".join(open(os.path.join(FROM, name), "rb").read() for name in FILES)
    wanted, stamp = hashlib.sha256(raw).hexdigest(), os.path.join(TO, "made-of")
    os.makedirs(TO, exist_ok=True)
    with open(TO + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(stamp) and open(stamp).read() == wanted:
            return TO
        shutil.rmtree(TO)
        os.makedirs(TO)
        for name in FILES:
            shutil.copy(os.path.join(FROM, name), TO)
        if not shutil.which("npm"):
            raise RuntimeError("no npm: apt-get install npm")
        made = subprocess.run(["npm", "ci", "--prefix", TO, "--ignore-scripts"], cwd=TO, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
        if made.returncode != 0:
            raise RuntimeError("npm ci: " + made.stdout[-2000:])
        with open(stamp, "w") as f:
            f.write(wanted)
    return TO


def sqlite_vec():
    found = glob.glob(os.path.join(installed(), "node_modules/sqlite-vec-linux-*/vec0.so"))
    if not found:
        raise RuntimeError("npm has no sqlite-vec for this machine")
    return found[0]


if __name__ == "__main__":
    try:
        print(sqlite_vec())
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
        sys.exit("npm_libraries.py: %s" % e)
