# SPDX-License-Identifier: Apache-2.0
"""Predicted against allocated: `logicctl vram` from headers, and what a real llama-server takes for the same files.

Fourteen architectures of some tens of MB with random weights (tests/harness/zoo_gguf.py), each loaded as our agents load
them (docs/inference.md), the buffers read from the engine's own log. Weights and KV within 2 %, the total within 5 %.
The table is printed; with LN_VRAM_TABLE=FILE it is written there as well.
"""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import debian_root  # noqa: E402
from engine import PACKAGES, SUITE  # noqa: E402
from node import LOGICCTL, PATIENCE_S, Tap  # noqa: E402

tap = Tap()
ZOO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness", "zoo_gguf.py")
MIB = 1 << 20
ROUNDING = 0.011 * MIB  # the log has two digits
KV_LIMIT, WEIGHTS_LIMIT, TOTAL_LIMIT = 0.02, 0.02, 0.05
FORMS = [  # architecture, what it stands for
    ("llama", "grouped heads"), ("llama.q4_0", "quantised, repacked by the engine"), ("llama.q4_k", "K quants"),
    ("qwen2", "tied embeddings, biases"), ("gemma2", "every second layer slides"), ("gemma3", "five of six layers slide"),
    ("phi3", "fused tensors, a window that engines ignore"), ("deepseek2", "MLA, experts"), ("mamba", "recurrent"),
    ("lfm2", "hybrid, per-layer heads"), ("gpt-oss", "MXFP4 experts, windows"), ("qwen3moe", "experts"),
    ("starcoder2", "no gate"), ("falcon", "parallel attention, one KV head"), ("bert", "embeddings, no cache")]
BUFFER = re.compile(r"(\w+)\s*:\s+(\w+)\s+(model|KV|RS|compute|output) buffer size =\s+([\d.]+) MiB")
PART = {"model": "weights", "KV": "kv", "RS": "kv", "compute": "compute", "output": "output"}
rows = []


class Zoo:
    """Models are made when first asked for; all is gone at the end."""

    def __init__(self):
        self.root = debian_root.make("engine-root", SUITE, PACKAGES)
        self.folder = tempfile.mkdtemp(prefix="ln-zoo-", dir=os.path.join(self.root, "tmp"))
        self.there = os.path.join("/tmp", os.path.basename(self.folder))
        shutil.copy(ZOO, self.folder)

    def model(self, form, *sizes):
        name = "-".join([form, *sizes]).replace("=", "") + ".gguf"
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            made = subprocess.run(
                debian_root.enter(self.root, "python3", self.there + "/zoo_gguf.py", form, self.there + "/" + name, *sizes),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert made.returncode == 0, made.stdout
        return path

    def load(self, path, context, slots, kv, embedding):
        """The buffers of one load, in bytes."""
        argv = ["llama-server", "-m", self.there + "/" + os.path.basename(path), "-c", str(context * slots), "-np", str(slots),
                "-ctk", kv, "-ctv", kv, "-dev", "none", "--host", self.there + "/s.sock", "--no-warmup", "--no-ui", "-lv", "4"]
        if os.path.exists(os.path.join(self.folder, "s.sock")):
            os.unlink(os.path.join(self.folder, "s.sock"))  # of an engine that was killed
        if embedding:
            argv += ["--embeddings", "-b", str(context), "-ub", str(context)]
        with open(os.path.join(self.folder, "log"), "w+", errors="replace") as log:
            engine = subprocess.Popen(debian_root.enter(self.root, *argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                text, deadline = "", time.monotonic() + PATIENCE_S
                while "listening on" not in text:
                    assert engine.poll() is None and time.monotonic() < deadline, text[-300:]
                    time.sleep(0.05)
                    log.seek(0)
                    text = log.read()
            finally:
                engine.kill()
                engine.wait()
        found = {"weights": 0.0, "kv": 0.0, "compute": 0.0, "output": 0.0}
        for _, device, what, mib in BUFFER.findall(text):
            assert device.startswith("CPU"), device
            found[PART[what]] += float(mib) * MIB
        assert found["weights"] and found["compute"], text[-300:]
        return found

    def done(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def predict(path, context, slots, kv):
    told = subprocess.run([LOGICCTL, "vram", path, "--ctx", str(context), "--slots", str(slots), "--kv", kv, "--gpu", "cpu",
                           "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def off(predicted, real):
    return (predicted - real) / real if real else float(predicted != 0)


def within(what, predicted, real, limit):
    assert abs(predicted - real) <= limit * real + ROUNDING, "%s: predicted %.2f MiB, allocated %.2f MiB (%+.1f %%)" % (
        what, predicted / MIB, real / MIB, 100 * off(predicted, real))


def compare(zoo, form, context, slots=1, kv="f16", sizes=()):
    path = zoo.model(form, *sizes)
    page = predict(path, context, slots, kv)
    need = page["need"]
    real = zoo.load(path, context, slots, kv, page["shape"]["embedding"])
    ours = {"weights": need["weights_bytes"], "kv": need["kv_bytes"] + need["state_bytes"],
            "compute": need["compute_bytes"], "output": need["output_bytes"]}
    total, all_of_it = sum(real.values()), need["total_bytes"] - need["overhead_bytes"]
    assert all_of_it == sum(ours.values()), need
    label = "%-12s %6d x%d %-4s %s" % (form, context, slots, kv, " ".join(sizes))
    rows.append("%-44s" % label.strip() + "".join(
        "  %s %7.2f %7.2f %+5.1f %%" % (part, ours.get(part, all_of_it) / MIB, there / MIB, 100 * off(ours.get(part, all_of_it), there))
        for part, there in [("weights", real["weights"]), ("kv", real["kv"]), ("compute", real["compute"]), ("total", total)]))
    print("# " + rows[-1], flush=True)
    within(label + " weights", ours["weights"], real["weights"], WEIGHTS_LIMIT)
    within(label + " kv", ours["kv"], real["kv"], KV_LIMIT)
    within(label + " total", all_of_it, total, TOTAL_LIMIT)


def each(zoo, cases):
    """All cases are run, so that the table is whole."""
    wrong = []
    for case in cases:
        try:
            compare(zoo, *case)
        except AssertionError as why:
            wrong.append(str(why))
    assert not wrong, "%d of %d: %s" % (len(wrong), len(cases), "; ".join(wrong))


def in_zoo(cases):
    zoo = Zoo()
    try:
        each(zoo, cases)
    finally:
        zoo.done()
    if os.environ.get("LN_VRAM_TABLE"):
        with open(os.environ["LN_VRAM_TABLE"], "w") as f:
            f.write("\n".join(rows) + "\n")


@tap.test
def fifteen_forms_of_model_take_what_was_predicted():
    in_zoo([(form, 2048 if form == "bert" else 8192) for form, _ in FORMS])


@tap.test
def slots_contexts_and_types_of_cache_take_what_was_predicted():
    in_zoo([("llama", 4096, 4), ("llama", 32768), ("llama", 1000), ("llama", 8192, 1, "q8_0"), ("gemma2", 4096, 4, "q8_0"),
            ("gemma2", 300), ("gemma3", 32768, 2), ("gpt-oss", 16384, 2), ("lfm2", 4096, 4), ("mamba", 4096, 4),
            ("deepseek2", 32768), ("bert", 512, 2), ("bert", 1024), ("bert", 4096, 1, "f16", ["context=4096"]),
            ("bert", 2048, 1, "f16", ["feed=2816"]), ("qwen3moe", 4096, 1, "f16", ["used=8", "experts=16"]),
            ("llama", 8192, 1, "f16", ["width=1024", "heads=16", "heads_kv=4", "feed=2816"])])


def tiny(path, layers=2, **more):
    """A llama of a few kilobytes, by hand: no engine is needed to size it."""
    def text(word):
        return struct.pack("<Q", len(word)) + word.encode()
    pairs = {"llama.block_count": layers, "llama.context_length": 4096, "llama.embedding_length": 64,
             "llama.attention.head_count": 4, **more}
    raw = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs) + 1) + text("general.architecture") + struct.pack("<I", 8) + text("llama")
    for key, number in pairs.items():
        raw += text(key) + struct.pack("<II", 4, number)
    raw += text("token_embd.weight") + struct.pack("<IQQIQ", 2, 64, 10, 1, 0)
    raw += bytes(-len(raw) % 32) + bytes(64 * 10 * 2)
    with open(path, "wb") as f:
        f.write(raw)


def logicctl(home, *words, code=0):
    done = subprocess.run([LOGICCTL, "--home", home, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode == code, "%s: exit %d, wanted %d\n%s%s" % (words, done.returncode, code, done.stdout, done.stderr)
    return done.stdout + done.stderr


@tap.test
def the_catalogue_knows_a_file_by_its_header_and_every_byte():
    with tempfile.TemporaryDirectory() as home:
        os.makedirs(home + "/models/sub")
        tiny(home + "/models/sub/Tiny Model.gguf")
        logicctl(home, "model", "add", home + "/models/sub/Tiny Model.gguf")
        entry, = json.loads(logicctl(home, "model", "list", "--json"))["models"]
        assert (entry["name"], entry["file"]) == ("tiny-model", "sub/Tiny Model.gguf"), entry
        assert entry["bytes"] == os.path.getsize(home + "/models/sub/Tiny Model.gguf"), entry
        need = json.loads(logicctl(home, "vram", "tiny-model", "--ctx", "1024", "--gpu", "cpu", "--json"))["need"]
        assert need["kv_bytes"] == 2 * 1024 * 2 * 64 * 2 and need["weights_bytes"] == 1280, need
        assert "there is a model" in logicctl(home, "model", "add", home + "/models/sub/Tiny Model.gguf", code=2)
        logicctl(home, "model", "verify")
        with open(home + "/models/sub/Tiny Model.gguf", "r+b") as f:  # one byte of a weight
            f.seek(-1, os.SEEK_END)
            f.write(b"x")
        assert "SHA-256" in logicctl(home, "model", "verify", "tiny-model", code=6)
        tiny(home + "/models/sub/Tiny Model.gguf", layers=3)
        assert "header" in logicctl(home, "model", "verify", code=6)
        logicctl(home, "model", "remove", "tiny-model")
        logicctl(home, "model", "remove", "tiny-model", code=2)
        assert os.path.exists(home + "/models/sub/Tiny Model.gguf")


@tap.test
def what_cannot_be_sized_or_named_is_refused_with_the_reason():
    with tempfile.TemporaryDirectory() as home:
        os.makedirs(home + "/models")
        tiny(home + "/models/a.gguf")
        tiny(home + "/out.gguf")
        os.symlink(home + "/out.gguf", home + "/models/link.gguf")
        with open(home + "/models/no.gguf", "w") as f:
            f.write("<html>" * 10)
        for words, reason in [(["model", "add", home + "/out.gguf"], "not below"),
                              (["model", "add", home + "/models/link.gguf"], "not below"),
                              (["model", "add", home + "/models/no.gguf"], "no GGUF"),
                              (["model", "add", home + "/models/a.gguf", "--name", "a b"], "no name"),
                              (["vram", "nobody"], "no model"), (["vram", home + "/models/no.gguf"], "no GGUF"),
                              (["vram", home + "/models/a.gguf", "--ctx", "4097"], "more than the 4096"),
                              (["vram", home + "/models/a.gguf", "--kv", "q9"], "no type"),
                              (["vram", home + "/models/a.gguf", "--kv", "q8_0"], "whole blocks"),
                              (["vram", home + "/models/a.gguf", "--gpu", "Voodoo 2"], "--vram MIB"),
                              (["vram", home + "/models/a.gguf", "--slots", "0"], "number from 1")]:
            said = logicctl(home, *words, code=2)
            assert reason in said, (words, said)
        said = logicctl(home, "vram", home + "/models/a.gguf", "--vram", "100")
        assert "needs 519 MiB, the device has 100 MiB" in said, said


if __name__ == "__main__":
    tap.run()
