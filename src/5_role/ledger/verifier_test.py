#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""verifier_test.py MAKE_EXPORT VERIFY: the independent verifier accepts an export of 300 entries and finds
every kind of change to it. TAP."""
import importlib.util
import random
import subprocess
import sys
import tempfile

make_export, verifier = sys.argv[1:3]
spec = importlib.util.spec_from_file_location("verify_ledger", verifier)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
number, failed = 0, 0


def report(fine, words):
    global number, failed
    number += 1
    failed += not fine
    print(f"{'ok' if fine else 'not ok'} {number} - {words}")


def holds(data, key=None):
    try:
        tool.verify(data, key)
        return True
    except tool.Wrong:
        return False
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def export_of(count, start_ms=1795226400000):
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([make_export, folder, str(count), str(start_ms)], check=True, stdout=subprocess.PIPE).stdout


def flips(data):
    """Offsets: a few of every line, every byte of the first line and of the last entry and checkpoint."""
    random.seed(8032)
    start, lines = 0, data.split(b"\n")[:-1]
    for i, line in enumerate(lines):
        whole = i in (0, 300, len(lines) - 1)
        inside = range(len(line) + 1) if whole else [0, len(line), *random.sample(range(len(line)), 2)]
        yield from (start + at for at in inside)
        start += len(line) + 1


whole = export_of(300)
lines = whole.split(b"\n")[:-1]
head, entries, notes = lines[0], lines[1:301], lines[301:]
joined = lambda *parts: b"\n".join(line for part in parts for line in part) + b"\n"

report(holds(whole) and len(notes) == 3, "an honest export of 300 entries and its checkpoints holds")
report(holds(export_of(0)) and holds(export_of(1)), "so does an empty one and one of a single entry")
key = tool.json.loads(head)["public_key"]
other = tool.json.loads(export_of(0).split(b"\n")[0])["public_key"]
report(other != key and holds(whole, key) and not holds(whole, other), "another key than the one given is refused")

# Signatures are slow in Python: those seen once are remembered, so that ten thousand exports can be tried.
seen, real = {}, tool.authentic
tool.authentic = lambda *args: seen[args] if args in seen else seen.setdefault(args, real(*args))

missed = []
for at in flips(whole):
    changed = bytearray(whole)
    changed[at] ^= 1 << random.randrange(8)
    if holds(bytes(changed)):
        missed.append(at)
report(not missed, f"every flipped bit is found (missed: {missed[:5]})")

promise = lambda count, pins: head.replace(b'"to":300', b'"to":%d' % count).replace(b'"checkpoints":3', b'"checkpoints":%d' % pins)
report(not any(holds(joined([head], entries[:i], entries[i + 1:], notes)) for i in range(0, 300, 7)), "a missing line is found")
report(not any(holds(joined([promise(299, 3)], entries[:i], entries[i + 1:], notes)) for i in range(0, 300, 7)),
       "also when the first line is made to agree")
report(not any(holds(joined([head], entries[:i], [entries[i + 1], entries[i]], entries[i + 2:], notes)) for i in range(0, 299, 7)),
       "two lines swapped are found")
report(not any(holds(joined([head], entries[:i], [entries[i]], entries[i:], notes)) for i in range(0, 300, 7)), "a line doubled is found")
report(not any(holds(joined([promise(count, 3)], entries[:count], notes)) for count in (0, 1, 99, 100, 256, 299)),
       "a tail cut off before the last checkpoint is found")
report(not holds(joined([promise(300, 2)], entries, notes[:-1])), "a last checkpoint left out is found")
report(not holds(joined([head], entries, [notes[1], notes[0], notes[2]])), "checkpoints out of order are found")
other = export_of(300, 1795226400001).split(b"\n")[:-1]
report(not holds(joined([head], entries, other[301:])), "checkpoints of another ledger are found")
report(not holds(joined([head], other[1:301], notes)), "entries of another ledger are found")
report(not holds(whole[:-1]) and not holds(b"") and not holds(b"\n"), "a torn file is found")
report(not holds(b"[" * 100000 + b"\n"), "a hostile file is refused")
run = lambda *args: subprocess.run([sys.executable, verifier, *args], capture_output=True).returncode
with tempfile.NamedTemporaryFile() as file:
    file.write(whole)
    file.flush()
    good = run(file.name)
    file.truncate(5000)
    report((good, run(file.name), run(), run("/nowhere")) == (0, 1, 2, 1), "exit codes are 0, 1 and 2")
print(f"1..{number}")
sys.exit(failed != 0)
