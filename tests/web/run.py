#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page's own tests: every web/**/*.test.js under `node --test`, in a copy of the page where .js files are modules.

    tests/web/run.py [FILE …]      such as state/cases.test.js; without: all

Skipped without node (with LN_ROOTS=must a failure), or when there is no test.
"""
import os
import pathlib
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "..", "tools")]
import web  # noqa: E402
from debian_root import Unavailable  # noqa: E402
from javascript import Report, node_program  # noqa: E402


def main():
    with tempfile.TemporaryDirectory(prefix="ln-web-") as folder:
        copy = os.path.join(folder, "web")
        web.assemble(copy, install=False, tests=True)
        names = sys.argv[1:] or sorted(p.relative_to(copy).as_posix() for p in pathlib.Path(copy).rglob("*.test.*js"))
        if not names:
            print("1..0 # SKIP web/ has no *.test.js")
            return 0
        try:
            program = node_program()
        except Unavailable as why:
            print("1..0 # SKIP %s" % why)
            return 0
        report = Report()
        for name in names:
            report.file(program, copy, name, dict(os.environ, LN_ROOT=str(web.ROOT)))  # some compare with the sources
        return report.end()


if __name__ == "__main__":
    sys.exit(main())
