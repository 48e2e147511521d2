#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the tests stage by stage, count every TAP line, show what failed. Called by tools/test.sh.

A program that does not speak TAP counts as one test. A plan that is not kept, a program that dies, hangs or says
nothing is a failure, whatever its lines say.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "debug"
LIMIT_S = 600  # for one program
TAIL_LINES = 60
OTHER_SUITES = {"bench", "flow", "system", "tidy"}  # in meson for who wants them there; stages of their own here
LINE = re.compile(r"^(not )?ok\b(?:\s+\d+)?[\s-]*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)")


class Tally:
    passed = failed = skipped = 0
    bad = []


def run(argv, env=None, cwd=ROOT):
    """(exit code or None when it hung, output)"""
    child = subprocess.Popen(argv, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True)
    try:
        out, _ = child.communicate(timeout=LIMIT_S)
        return child.returncode, out.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # our own child's session
        out, _ = child.communicate()
        return None, out.decode(errors="replace")


def read_tap(code, text):
    """(passed, failed, skipped, reasons)"""
    passed = failed = skipped = 0
    plan, reasons = None, []
    for line in text.splitlines():
        hit, said = LINE.match(line), PLAN.match(line)
        if said and plan is None:
            plan = int(said.group(1))
        elif hit and re.search(r"#\s*skip", hit.group(2), re.I):
            skipped += 1
        elif hit and hit.group(1) and not re.search(r"#\s*todo", hit.group(2), re.I):
            failed += 1
            reasons.append("not ok: " + hit.group(2))
        elif hit:
            passed += 1
        elif line.startswith("Bail out!"):
            failed += 1
            reasons.append(line)
    seen = passed + failed + skipped
    if code is None:
        reasons.append(f"gave no end within {LIMIT_S} s")
    elif plan is not None and plan != seen:
        reasons.append(f"planned {plan} tests, ran {seen}")
    elif code != 0 and failed == 0:
        reasons.append(f"exit {code}" if code > 0 else f"ended by signal {-code}")
    elif seen == 0 and re.search(r"^1\.\.0\s*#\s*skip", text, re.I | re.M):
        skipped = 1
    elif seen == 0:
        reasons.append("ran no test")
    if reasons and failed == 0:
        failed = 1
    return passed, failed, skipped, reasons


def settle(name, code, text, seconds, tap):
    if tap:
        passed, failed, skipped, reasons = read_tap(code, text)
    else:
        failed = int(code != 0)
        passed, skipped, reasons = 1 - failed, 0, [f"exit {code}"] if failed else []
    Tally.passed += passed
    Tally.failed += failed
    Tally.skipped += skipped
    mark = "FAIL" if failed else "ok"
    print(f"{mark:4}  {name:<40} {passed:4} passed {failed:3} failed" + (f" {skipped:3} skipped" if skipped else "") +
          f"  {seconds:6.1f} s", flush=True)
    if failed:
        Tally.bad.append(name)
        for line in text.splitlines()[-TAIL_LINES:]:
            print("      | " + line)
        for reason in reasons:
            print("      ! " + reason, flush=True)
    return failed == 0


def one(name, argv, tap=True, env=None, cwd=ROOT):
    start = time.monotonic()
    try:
        code, text = run(argv, env, cwd)
    except OSError as why:
        code, text = 127, str(why)
    return name, code, text, time.monotonic() - start, tap


def tidy():
    if (ROOT / "tools/tidy.py").exists():
        settle(*one("tidy", [sys.executable, "tools/tidy.py"]))


def build():
    if not (BUILD / "build.ninja").exists():
        if not settle(*one("meson setup", ["meson", "setup", str(BUILD), str(ROOT)], tap=False)):
            return False
    return settle(*one("build", ["ninja", "-C", str(BUILD)], tap=False))


def unit():
    tests = json.loads(subprocess.check_output(["meson", "introspect", "--tests", str(BUILD)]))
    with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        waiting = [pool.submit(one, test["name"], test["cmd"], test["protocol"] == "tap", test["env"],
                               test["workdir"] or str(BUILD)) for test in tests
                   if not OTHER_SUITES.intersection(s.split(":")[-1] for s in test["suite"])]
        for done in concurrent.futures.as_completed(waiting):
            settle(*done.result())


def rules():
    if (ROOT / "tools/plunit_tap.pl").exists():
        settle(*one("rules", ["swipl", "-q", "-f", "none", "-F", "none", "tools/plunit_tap.pl", "--", "--site",
                              "kb/test/site", "kb/core", "tools"]))


def whole_node():
    """The environment of a test that starts one."""
    bin_dir = BUILD / "src/6_program"
    return {"LOGICD": str(bin_dir / "logicd"), "LOGICCTL": str(bin_dir / "logicctl"), "LOGICAGENT": str(bin_dir / "logicagent"),
            "ENGINE_DRIVE": str(BUILD / "src/4_port/engine/engine_drive"), "HOST_DRIVE": str(BUILD / "src/4_port/host/host_drive"),
            "PYTHONDONTWRITEBYTECODE": "1"}


def programs(folder):
    """Every program of a folder, by name; what they share lies in tests/harness/."""
    for file in sorted((ROOT / folder).glob("*")):
        start = {".py": [sys.executable], ".sh": ["sh"]}.get(file.suffix)
        if start and file.is_file():
            settle(*one(f"{folder.split('/')[-1]}/{file.name}", [*start, str(file)], env=whole_node()))


def corpus():
    for program in sorted((ROOT / "tests/corpus").glob("*/run.pl")):
        settle(*one("corpus/" + program.parent.name, ["swipl", "-q", "-f", "none", "-F", "none", str(program)]))


def flow():
    programs("tests/flow")


def system():
    programs("tests/system")


def client():
    settle(*one("client/run.py", [sys.executable, "tests/client/run.py"], env=whole_node()))


def demo():
    settle(*one("demo", ["tools/demo.sh", "--tap"]))


STAGES = {"tidy": tidy, "build": build, "unit": unit, "rules": rules, "corpus": corpus, "flow": flow,
          "system": system, "client": client, "demo": demo}


def main():
    asked = sys.argv[1:] or list(STAGES)
    for name in asked:
        if name not in STAGES:
            sys.exit(f"test.sh: there is no stage '{name}': {' '.join(STAGES)}")
    start = time.monotonic()
    took = []
    for name in asked:
        begin = time.monotonic()
        good = STAGES[name]() is not False
        took.append(f"{name} {time.monotonic() - begin:.0f}")
        if not good:
            print(f"the stage '{name}' failed; what follows would prove nothing")
            break
    if Tally.bad:
        print("failed: " + ", ".join(Tally.bad))
    print("stages, in s: " + " · ".join(took))
    print(f"{time.monotonic() - start:.0f} s" + (f", {Tally.skipped} skipped" if Tally.skipped else ""))
    print(f"{Tally.passed} passed, {Tally.failed} failed", flush=True)
    sys.exit(1 if Tally.failed or not Tally.passed else 0)


if __name__ == "__main__":
    main()
