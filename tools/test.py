#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the tests stage by stage, count every TAP line, show what failed. Called by tools/test.sh.

A program that does not speak TAP counts as one test. A plan that is not kept, a program that dies, hangs or says
nothing is a failure, whatever its lines say.

The programs of flow, system and client mostly wait: two run at a time (LN_AT_ONCE=3 LN_AGAIN=0: to look for a race), the longest first,
those of ALONE after all others and by themselves. What a program said is shown when it has ended, and only if it failed.
Of those that stood side by side at most AGAIN_MAX that failed are run once more, alone; all of it is shown (docs/decisions/0013).
"""
import concurrent.futures
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "debug"
LIMIT_S = 600  # for one program
LINES_MAX = 2000  # of a program that failed are shown, and of its node's log; of more, the last
AT_ONCE = max(1, int(os.environ.get("LN_AT_ONCE", "2")))
AGAIN_MAX = int(os.environ.get("LN_AGAIN", "2"))  # 0 to look for a flake: what fails once has failed
PORTS = (20000, 30000)  # shared out to programs that run at the same time (tests/harness/node.py); the demo begins at 30080
# The longest, in this order; all others by name after them. A program that is not here is found all the same.
LONGEST = """
    system/deploy.py system/restic.py flow/senses.py flow/notifications.py flow/runbooks.py system/arm64.py browser/consent.py
    system/zfs.py system/cold_start.py system/manual.py flow/enrolment.py flow/life.py flow/reloads.py client/run.py flow/alerts.py
    browser/views.py flow/alerts_alone.py browser/story.py flow/secrets.py flow/passkeys.py system/windows.py flow/replay.py
    system/wake.py flow/backups.py flow/power.py flow/bad_input.py flow/restore.py flow/bad_world.py browser/day.py""".split()
# Whoever must have the machine to itself, and why.
ALONE = {
    "system/many.py": "500 requests at once: says how fairly the callers were served, by their times",
    "system/model.py": "a real model must have written its answer within the budget of 45 s",
    "system/systemd.py": "a watchdog of 2 s; a container of its own",
}
OTHER_SUITES = {"bench", "browser", "flow", "system", "tidy"}  # in meson for who wants them there; stages of their own here
LINE = re.compile(r"^(not )?ok\b(?:\s+\d+)?[\s-]*(.*)$")
LOGGED = re.compile(r'^# \{"ts":')  # the end of a node's log, of a test that failed
PLAN = re.compile(r"^1\.\.(\d+)")


class Tally:
    passed = failed = skipped = 0
    bad = []
    came_right = []  # failed beside others, and passed alone


RUNNING = set()  # what to end when somebody interrupts us


def run(argv, env=None, cwd=ROOT):
    """(exit code or None when it hung, output)"""
    child = subprocess.Popen(argv, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True)
    RUNNING.add(child)
    try:
        out, _ = child.communicate(timeout=LIMIT_S)
        return child.returncode, out.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # our own child's session
        out, _ = child.communicate()
        return None, out.decode(errors="replace")
    finally:
        RUNNING.discard(child)


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


def settle(name, code, text, seconds, tap, counted=True):
    """Show it, and count it unless it is to be run again. Whether it passed."""
    if tap:
        passed, failed, skipped, reasons = read_tap(code, text)
    else:
        failed = int(code != 0)
        passed, skipped, reasons = 1 - failed, 0, [f"exit {code}"] if failed else []
    if counted or not failed:
        Tally.passed += passed
        Tally.failed += failed
        Tally.skipped += skipped
    mark = "FAIL" if failed else "ok"
    print(f"{mark:4}  {name:<40} {passed:4} passed {failed:3} failed" + (f" {skipped:3} skipped" if skipped else "") +
          f"  {seconds:6.1f} s", flush=True)
    if failed:
        if counted:
            Tally.bad.append(name)
        show(text.splitlines(), reasons)
    return failed == 0


def show(lines, reasons):
    """Why first, then what the test said, then what its node logged: whoever sees only the beginning sees what matters."""
    for reason in reasons:
        print("      ! " + reason)
    logged = [line for line in lines if LOGGED.match(line)]
    for part in ([line for line in lines if not LOGGED.match(line)], logged):
        if len(part) > LINES_MAX:
            print(f"      | … {len(part) - LINES_MAX} lines before these …")
        for line in part[-LINES_MAX:]:
            print("      | " + line)
    sys.stdout.flush()


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
    settle(*one("page", [sys.executable, "tools/web.py"], tap=False))
    good = settle(*one("build", ["ninja", "-C", str(BUILD)], tap=False))
    if good and shutil.which("dh"):  # here, and not within the time of the first test that installs them
        settle(*one("packages", [sys.executable, "tools/deb.py", "--no-lintian"], tap=False))
    return good


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


def web():
    settle(*one("web", [sys.executable, "tests/web/run.py"]))


def whole_node():
    """The environment of a test that starts one."""
    bin_dir = BUILD / "src/6_program"
    return {"LOGICD": str(bin_dir / "logicd"), "LOGICCTL": str(bin_dir / "logicctl"), "LOGICAGENT": str(bin_dir / "logicagent"),
            "ENGINE_DRIVE": str(BUILD / "src/4_port/engine/engine_drive"), "HOST_DRIVE": str(BUILD / "src/4_port/host/host_drive"),
            "PYTHONDONTWRITEBYTECODE": "1"}


def programs(folder):
    """Every program of a folder; what they share lies in tests/harness/."""
    found = []
    for file in sorted((ROOT / folder).glob("*")):
        start = {".py": [sys.executable], ".sh": ["sh"]}.get(file.suffix)
        if start and file.is_file():
            found.append((f"{folder.split('/')[-1]}/{file.name}", [*start, str(file)]))
    return found


def together(found):
    """AT_ONCE at a time, the longest first; each that ended is shown at once and whole."""
    env, lanes, share = whole_node(), queue.Queue(), (PORTS[1] - PORTS[0]) // AT_ONCE
    for lane in range(AT_ONCE):
        lanes.put(f"{PORTS[0] + lane * share}-{PORTS[0] + (lane + 1) * share}")

    def there(name, argv):
        ports = lanes.get()
        try:
            return one(name, argv, env={**env, "LN_PORTS": ports})
        finally:
            lanes.put(ports)
    rank = {name: place for place, name in enumerate(LONGEST)}
    found = sorted(found, key=lambda program: (rank.get(program[0], len(rank)), program[0]))
    again = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {pool.submit(there, *program): program for program in found if program[0] not in ALONE}
        for done in concurrent.futures.as_completed(waiting):
            if not settle(*done.result(), counted=len(again) >= AGAIN_MAX):
                again.append(waiting[done])
    for program in again[:AGAIN_MAX]:
        print(f"again, alone: {program[0]}", flush=True)
        if settle(*there(*program)):
            Tally.came_right.append(program[0])
    for program in found:
        if program[0] in ALONE:
            settle(*there(*program))


def corpus():
    for program in sorted((ROOT / "tests/corpus").glob("*/run.pl")):
        settle(*one("corpus/" + program.parent.name, ["swipl", "-q", "-f", "none", "-F", "none", str(program)]))


def flow():
    return programs("tests/flow")


def system():
    return programs("tests/system")


def browser():
    return programs("tests/browser")


def client():
    return [("client/run.py", [sys.executable, "tests/client/run.py"])]


def demo():
    settle(*one("demo", ["tools/demo.sh", "--tap"]))


STAGES = {"tidy": tidy, "build": build, "unit": unit, "rules": rules, "corpus": corpus, "web": web, "flow": flow,
          "system": system, "browser": browser, "client": client, "demo": demo}
TOGETHER = ("flow", "system", "browser", "client")  # those that stand side by side are one: no stage waits for the last of another


def steps(asked):
    """Stages that are run as one: [tidy], …, [flow, system, browser, client]."""
    found = []
    for name in asked:
        if name in TOGETHER and found and found[-1][-1] in TOGETHER:
            found[-1].append(name)
        else:
            found.append([name])
    return found


def stages(asked):
    """Their seconds."""
    took = []
    for names in steps(asked):
        begin = time.monotonic()
        if names[0] in TOGETHER:
            good = together([program for name in names for program in STAGES[name]()])
        else:
            good = STAGES[names[0]]()
        took.append(f"{'+'.join(names)} {time.monotonic() - begin:.0f}")
        if good is False:
            print(f"the stage '{names[0]}' failed; what follows would prove nothing")
            break
    return took


def interrupted(*_):
    for child in list(RUNNING):
        try:
            os.killpg(child.pid, signal.SIGKILL)  # our own children's sessions
        except ProcessLookupError:
            pass
    os._exit(130)


def main():
    asked = sys.argv[1:] or list(STAGES)
    for name in asked:
        if name not in STAGES:
            sys.exit(f"test.sh: there is no stage '{name}': {' '.join(STAGES)}")
    start = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    took = stages(asked)
    if Tally.bad:
        print("failed: " + ", ".join(Tally.bad))
    if Tally.came_right:
        print("failed beside others, passed alone (a race: look for it): " + ", ".join(Tally.came_right))
    print("stages, in s: " + " · ".join(took))
    print(f"{time.monotonic() - start:.0f} s" + (f", {Tally.skipped} skipped" if Tally.skipped else ""))
    print(f"{Tally.passed} passed, {Tally.failed} failed", flush=True)
    sys.exit(1 if Tally.failed or not Tally.passed else 0)


if __name__ == "__main__":
    main()
