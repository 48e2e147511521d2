# SPDX-License-Identifier: Apache-2.0
"""tools/test.py itself, with made-up programs: what it counts, what it shows first, what it runs once more (docs/decisions/0013)."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from node import ROOT, Tap, equal  # noqa: E402

tap = Tap()
GOOD = 'print("1..1")\nprint("ok 1 - it is")\n'
BAD = """import sys
print('# {"ts":"2026-11-21T02:47:00.000Z","event":"of the node"}')
print("# it should be 7")
print("not ok 1 - it is 7")
print("1..1")
sys.exit(1)
"""
ONCE = """import os, sys
mark = sys.argv[0] + ".mark"
if not os.path.exists(mark):
    open(mark, "w").close()
    print("not ok 1 - raced")
    sys.exit(1)
""" + GOOD


def run(programs, **env):
    """(exit code, lines) of the stage `flow` with these programs."""
    with tempfile.TemporaryDirectory(prefix="ln-runner-") as folder:
        for name in ("tools", "tests/flow"):
            os.makedirs(os.path.join(folder, name))
        shutil.copy(os.path.join(ROOT, "tools/test.py"), os.path.join(folder, "tools"))
        for name, text in programs.items():
            with open(os.path.join(folder, "tests/flow", name), "w") as f:
                f.write(text)
        ours = {name: text for name, text in os.environ.items() if name not in ("LN_AGAIN", "LN_AT_ONCE")}
        said = subprocess.run([sys.executable, os.path.join(folder, "tools/test.py"), "flow"], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**ours, **env})
        return said.returncode, said.stdout.splitlines()


def last(lines):
    return lines[-1]


@tap.test
def all_good_is_good_and_nothing_at_all_is_not():
    code, lines = run({"a.py": GOOD, "b.py": GOOD})
    equal((code, last(lines)), (0, "2 passed, 0 failed"))
    code, lines = run({})
    equal((code, last(lines)), (1, "0 passed, 0 failed"))


@tap.test
def what_raced_is_run_once_more_alone_and_named():
    code, lines = run({"a.py": GOOD, "raced.py": ONCE})
    equal((code, last(lines)), (0, "2 passed, 0 failed"))
    assert "again, alone: flow/raced.py" in lines, lines
    assert "failed beside others, passed alone (a race: look for it): flow/raced.py" in lines, lines
    assert "      ! not ok: raced" in lines, lines  # and its first word is not lost


@tap.test
def where_a_race_is_looked_for_nothing_is_run_again():
    code, lines = run({"a.py": GOOD, "raced.py": ONCE}, LN_AGAIN="0")
    equal((code, last(lines)), (1, "1 passed, 1 failed"))
    assert "failed: flow/raced.py" in lines, lines


@tap.test
def what_fails_twice_has_failed_once_in_the_count():
    code, lines = run({"a.py": GOOD, "bad.py": BAD})
    equal((code, last(lines)), (1, "1 passed, 1 failed"))
    equal(sum(line.startswith("FAIL  flow/bad.py") for line in lines), 2)


@tap.test
def a_third_that_failed_counts_at_once():
    code, lines = run({"%d.py" % i: ONCE for i in range(4)}, LN_AT_ONCE="1")
    equal((code, last(lines)), (1, "2 passed, 2 failed"))
    equal(sum(line.startswith("again, alone: ") for line in lines), 2)


@tap.test
def why_it_failed_stands_before_what_its_node_logged():
    _, lines = run({"bad.py": BAD}, LN_AGAIN="0")
    at = next(i for i, line in enumerate(lines) if line.startswith("FAIL  flow/bad.py"))
    equal(lines[at + 1:at + 6], ["      ! not ok: it is 7", "      | # it should be 7", "      | not ok 1 - it is 7", "      | 1..1",
                                 '      | # {"ts":"2026-11-21T02:47:00.000Z","event":"of the node"}'])


@tap.test
def a_plan_that_is_not_kept_a_silent_program_and_one_that_dies_have_failed():
    code, lines = run({"plan.py": 'print("1..2")\n' + GOOD.split("\n")[1], "silent.py": "", "dies.py": GOOD + "import os; os.abort()"},
                      LN_AGAIN="0")
    equal((code, last(lines)), (1, "2 passed, 3 failed"))
    told = "\n".join(lines)
    for words in ("planned 2 tests, ran 1", "ran no test", "ended by signal 6"):
        assert "      ! " + words in told, (words, told)


if __name__ == "__main__":
    tap.run()
