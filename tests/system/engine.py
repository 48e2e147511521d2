# SPDX-License-Identifier: Apache-2.0
"""An engine's process from its gates to its end: a real llama-server, and fakes that hang, lie, die and flood.

Drives src/4_port/engine through engine_drive, and `logicctl engine`.
"""
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from engine_process import Drive, config, fake, prepared, real_llama, script, sha256, tiny_model  # noqa: E402
from node import ROOT, Tap, equal, wait_for  # noqa: E402

tap = Tap()
LOGICCTL = os.environ.get("LOGICCTL") or os.path.join(ROOT, "build/main/src/6_program/logicctl")
REAL_VERSION = "0.7.0 (build 11669, commit Debian)"
ALL_STAGES = ["driver_ready", "engine_starting", "verifying", "loading", "ready"]


class Folder:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="ln-e-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, data=b"a model of the fake engine"):
        path = os.path.join(self.path, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def fake(self, *wrong, smi=None, **more):
        return config(self.path, fake(*wrong, smi=smi), self.file("m.gguf"), **more)

    def real(self, **more):
        llama = real_llama(self.path)
        home = os.path.join(self.path, "home")
        done = logicctl(home, "engine", "prepare", "--bin", llama["bin"], "--json",
                        *("env:%s=%s" % pair for pair in llama["env"].items()))
        entry = json.loads(done.stdout)
        model = tiny_model(self.path)
        return {**config(self.path, llama | {"version": "", "args": []}, model, **more), "prepared": entry}


def logicctl(home, *words, code=0):
    os.makedirs(home, exist_ok=True)
    done = subprocess.run([LOGICCTL, *words, "--home", home], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def marked(folder):
    """Processes that carry this pool's mark."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as f:
                if ("LOGIC_ENGINE=" + folder).encode() in f.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


def fails(settings, code, *words, stages=None):
    with Drive(settings) as drive:
        event = drive.wait("failed")
        equal(event["code"], code)
        for word in words:
            assert word in event["message"], event
        equal((event["pid"], event["state"]), (0, "failed"))
        equal(marked(settings["folder"]), [])
        if stages is not None:
            equal(drive.stages(), stages)
        drive.end()
        return event


# --- a real llama-server


@tap.test
def a_real_engine_passes_every_gate_answers_and_ends():
    with Folder() as folder:
        settings = folder.real()
        equal(settings["prepared"]["version"], REAL_VERSION)
        for word in ("-ngl", "-fit", "-lv", "--metrics", "--slots"):
            assert word in settings["prepared"]["args"], settings["prepared"]
        with Drive(settings) as drive:
            ready = drive.wait("ready")
            equal(drive.stages(), ALL_STAGES)
            equal(ready["version"], REAL_VERSION)
            # 2 layers x 2 slots x 1,024 cells x 64 wide x K and V x 2 bytes
            equal(ready["kv_bytes"], 2 * 2 * 1024 * 64 * 2 * 2)
            assert 0 < ready["weights_bytes"] < os.path.getsize(settings["path"]) * 1.05, ready
            assert ready["compute_bytes"] > 0 and ready["host_bytes"] == 0 and ready["device"].startswith("CPU"), ready
            socket_path = ready["endpoint"].removeprefix("unix:")
            equal(os.stat(os.path.dirname(socket_path)).st_mode & 0o777, 0o700)
            equal(ask(socket_path, "GET", "/v1/models")["data"][0]["id"], "tiny")
            equal(len(ask(socket_path, "GET", "/slots")), 2)
            drive.order("tail")
            assert "llama_server" in drive.wait("tail")["text"]
            with open("/proc/%d/environ" % ready["pid"], "rb") as f:
                env = dict(word.split(b"=", 1) for word in f.read().split(b"\0") if word)
            equal((env[b"CUDA_VISIBLE_DEVICES"], env[b"HIP_VISIBLE_DEVICES"]), (b"-1", b"-1"))
            assert b"USER" not in env and b"LOGICCTL" not in env, env
            drive.order("stop")
            drive.wait("stopped")
            assert not alive(ready["pid"])
            assert not os.path.exists(socket_path)
            drive.end()


def ask(socket_path, method, path, body=None):
    connection = http.client.HTTPConnection("engine", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(socket_path)
    connection.request(method, path, json.dumps(body) if body else None)
    reply = connection.getresponse()
    equal(reply.status, 200)
    found = json.loads(reply.read())
    connection.close()
    return found


@tap.test
def a_model_with_one_changed_byte_never_loads_although_its_times_are_put_back():
    with Folder() as folder:
        settings = folder.real()
        with Drive(settings) as drive:
            drive.wait("ready")
            time.sleep(2.1)  # old enough to be remembered
            drive.order("again")
            drive.wait("ready")
            drive.order("stop")
            first = drive.wait("stopped")["reads"]
            drive.order("again")
            drive.wait("ready")
            drive.order("stop")
            equal(drive.wait("stopped")["reads"], first)  # neither engine nor model was read again
            before = os.stat(settings["path"])
            with open(settings["path"], "r+b") as f:
                f.seek(before.st_size - 100)
                byte = f.read(1)
                f.seek(-1, 1)
                f.write(bytes([byte[0] ^ 1]))
            os.utime(settings["path"], ns=(before.st_atime_ns, before.st_mtime_ns))
            after = os.stat(settings["path"])
            equal((after.st_size, after.st_mtime_ns), (before.st_size, before.st_mtime_ns))
            drive.order("again")
            equal(drive.wait("failed")["code"], "model_changed")
            drive.end()


@tap.test
def a_model_in_parts_is_checked_as_a_whole():
    with Folder() as folder:
        settings = folder.real()
        first = tiny_model(folder.path, tensors=8)
        parts = sorted(os.path.join(folder.path, name) for name in os.listdir(folder.path) if "-of-" in name)
        assert first == parts[0] and len(parts) == 3, parts
        whole = b"".join(open(part, "rb").read() for part in parts)
        home, models = os.path.join(folder.path, "home"), folder.path
        logicctl(home, "model", "add", first, "--name", "tiny", "--models-dir", models)
        with open(home + "/catalogue/models.json") as f:
            noted = json.load(f)["models"][0]
        equal((noted["bytes"], noted["sha256"]), (len(whole), hashlib.sha256(whole).hexdigest()))
        settings |= {"path": first, "bytes": noted["bytes"], "sha256": noted["sha256"]}
        with Drive(settings) as drive:
            drive.wait("ready")
            drive.order("stop")
            drive.wait("stopped")
            with open(parts[2], "r+b") as f:
                f.seek(-5, os.SEEK_END)
                byte = f.read(1)
                f.seek(-5, os.SEEK_END)
                f.write(bytes([byte[0] ^ 1]))
            drive.order("again")
            equal(drive.wait("failed")["code"], "model_changed")
            drive.end()
        os.remove(parts[1])
        fails(settings, "model_missing", os.path.basename(parts[1]))


@tap.test
def a_real_engine_in_a_gpu_pool_without_a_gpu_is_refused():
    with Folder() as folder:
        fails(folder.real(kind="cuda", mask="0"), "engine_on_cpu", "CPU")


@tap.test
def a_real_engine_says_why_it_cannot_load():
    with Folder() as folder:
        settings = folder.real()
        broken = folder.file("broken.gguf", b"GGUX" + b"\0" * 1000)
        settings |= {"path": broken, "bytes": 1004, "sha256": sha256(broken)}
        fails(settings, "model_broken", "invalid magic")


@tap.test
def a_real_engine_embeds():
    with Folder() as folder:
        settings = folder.real(embedding=True)
        settings["prepared"]["args"] += ["--pooling", "mean"]  # the tiny model names none
        with Drive(settings) as drive:
            ready = drive.wait("ready")
            vector = ask(ready["endpoint"].removeprefix("unix:"), "POST", "/v1/embeddings", {"input": "a"})
            equal(len(vector["data"][0]["embedding"]), 64)


@tap.test
def a_killed_driver_leaves_no_engine():
    with Folder() as folder:
        settings = folder.real()
        with Drive(settings) as drive:
            pid = drive.wait("ready")["pid"]
            drive.process.kill()
            wait_for("the engine to die with its owner", lambda: not alive(pid))


# --- gates one and two


@tap.test
def files_that_are_not_what_was_recorded_never_start():
    with Folder() as folder:
        good = folder.fake()
        until = ["driver_ready", "engine_starting"]
        entry = good["prepared"]
        fails(good | {"prepared": entry | {"sha256": "0" * 64}}, "engine_changed", "engine prepare", stages=until)
        fails(good | {"prepared": entry | {"version": "2.0 (fake)"}}, "engine_version", "1.0 (fake)", stages=until)
        fails(good | {"prepared": entry | {"bin": "/nonexistent/llama-server"}}, "engine_missing", stages=until)
        for wrong in ("bad_version", "late_version"):
            fails(good | {"prepared": prepared(fake(wrong)), "version_ms": 1500}, "engine_version", stages=until)
        until.append("verifying")
        fails(good | {"path": good["path"] + ".gone"}, "model_missing", stages=until)
        fails(good | {"bytes": good["bytes"] + 1}, "model_size", stages=until)
        changed = fails(good | {"sha256": "0" * 64}, "model_changed")
        assert "0000" in changed["message"] and good["sha256"][:12] in changed["message"], changed


@tap.test
def a_pool_that_is_none_is_refused_at_once():
    with Folder() as folder:
        for change in ({"mask": "0"}, {"slots": 0}, {"folder": "pool"}, {"kind": "cuda"}, {"sha256": "x"}):
            with Drive(folder.fake() | change) as drive:
                equal(drive.wait("refused")["code"], "bad_config")


# --- gate three: fakes


@tap.test
def an_engine_that_hangs_is_ended_after_the_stall_limit():
    with Folder() as folder:
        fails(folder.fake("hang", stall_ms=700), "engine_stalled")


@tap.test
def an_engine_that_is_busy_for_ever_is_ended_after_the_overall_limit():
    with Folder() as folder:
        fails(folder.fake("busy", stall_ms=60000, load_ms=2000), "engine_slow")


@tap.test
def health_is_believed_only_with_a_generated_token():
    with Folder() as folder:
        fails(folder.fake("html"), "engine_unhealthy", "It works!")
        lie = fails(folder.fake("lie"), "engine_unhealthy", "kernel image", "500")
        assert "\x1b" not in lie["message"]
        fails(folder.fake("mute"), "engine_unhealthy", "generates nothing")
        fails(folder.fake("narrow"), "engine_context", "512", "1024")


@tap.test
def an_engine_that_dies_while_loading_is_told_with_its_reason():
    with Folder() as folder:
        fails(folder.fake("dies"), "engine_exited", "exit code 3", "while it loaded")
        fails(folder.fake("oom"), "out_of_memory", "cudaMalloc")


@tap.test
def a_crash_after_ready_is_a_failure_with_the_signal():
    with Folder() as folder, Drive(folder.fake("crash")) as drive:
        drive.wait("ready")
        event = drive.wait("failed")
        equal(event["code"], "engine_exited")
        assert "signal 11" in event["message"] and "loaded" not in event["message"], event
        drive.order("stop")
        drive.wait("stopped")


@tap.test
def ten_megabytes_in_one_line_change_nothing_and_the_log_stays_bounded():
    with Folder() as folder:
        settings = folder.fake("flood", log_bytes=1 << 20)
        with Drive(settings) as drive:
            drive.wait("ready")
            sizes = [os.path.getsize(os.path.join(settings["folder"], name)) for name in ("engine.log", "engine.log.1")]
            assert max(sizes) <= 1 << 20, sizes
            drive.order("tail")
            assert "buffer size" in drive.wait("tail")["text"]


@tap.test
def an_engine_that_ignores_sigterm_is_killed():
    with Folder() as folder, Drive(folder.fake("deaf", term_ms=500)) as drive:
        pid = drive.wait("ready")["pid"]
        began = time.monotonic()
        drive.order("stop")
        drive.wait("stopped")
        assert not alive(pid)
        assert time.monotonic() - began >= 0.5  # it had its time


@tap.test
def nothing_of_the_group_survives():
    with Folder() as folder:
        settings = folder.fake("grandchild")
        with Drive(settings) as drive:
            drive.wait("ready")
            equal(len(marked(settings["folder"])), 2)
            drive.order("stop")
            drive.wait("stopped")
            equal(marked(settings["folder"]), [])
        settings = folder.fake("grandchild", "dies")
        fails(settings, "engine_exited")


@tap.test
def stop_and_close_work_in_every_stage():
    with Folder() as folder:
        for stage in ALL_STAGES[:-1]:
            for order in ("stop", "close"):
                settings = folder.fake("busy")
                with Drive(settings) as drive:
                    while drive.wait("stage")["stage"] != stage:
                        pass
                    drive.order(order)
                    if order == "stop":
                        while drive.wait("stage", "stopped")["event"] != "stopped":
                            pass
                    drive.end()
                equal(marked(settings["folder"]), [])


# --- GPU pools, with a fake nvidia-smi


def fake_smi(folder, foreign=0):
    """A FAKE nvidia-smi of one GPU with 16,000 MiB; the fake engine writes what it holds and who it is."""
    state = folder.file("smi-state", b"0 0")
    return state, script(os.path.join(folder.path, "nvidia-smi"), """#!/bin/sh
read held pid < %s
case "$1" in
--query-gpu*) echo "0, GPU-fake-1, FAKE GPU, 16000, $((held + %d)), $((16000 - held - %d)), 0, 40, 30.0, 1.0" ;;
*) [ "$held" = 0 ] || echo "GPU-fake-1, $pid, $held" ;;
esac
""" % (state, foreign, foreign))


@tap.test
def a_gpu_pool_is_ready_when_log_and_nvidia_smi_agree_and_ends_when_memory_is_back():
    with Folder() as folder:
        state, smi = fake_smi(folder, foreign=500)
        settings = folder.fake("cuda", smi=state, kind="cuda", mask="0", nvidia_smi=smi, expected_weights=4000 << 20)
        with Drive(settings) as drive:
            ready = drive.wait("ready")
            equal((ready["device"], ready["weights_bytes"] >> 20, ready["kv_bytes"] >> 20, ready["host_bytes"] >> 20),
                  ("CUDA0", 4000, 1000, 10))
            equal(ready["free_bytes"] >> 20, 16000 - 500 - 5100)
            assert "FAKE GPU" in drive.seen[0]["words"] and "15500 MiB free" in drive.seen[0]["words"], drive.seen
            drive.order("stop")
            stopped = drive.wait("stopped")
            equal((stopped["back"], stopped["free_bytes"] >> 20), (True, 15500))


@tap.test
def memory_that_does_not_come_back_is_said_after_its_limit():
    with Folder() as folder:
        state, smi = fake_smi(folder)
        settings = folder.fake("cuda", "release_never", smi=state, kind="cuda", mask="0", nvidia_smi=smi, vram_ms=600)
        with Drive(settings) as drive:
            drive.wait("ready")
            drive.order("stop")
            stopped = drive.wait("stopped")
            equal((stopped["back"], stopped["free_bytes"] >> 20), (False, 16000 - 5100))


@tap.test
def a_gpu_pool_is_never_served_from_the_cpu():
    with Folder() as folder:
        state, smi = fake_smi(folder)
        gpu = {"smi": state, "kind": "cuda", "mask": "0", "nvidia_smi": smi}
        fails(folder.fake("cuda", "cpu_only", **gpu), "engine_on_cpu")
        fails(folder.fake("cuda", "half", **gpu), "engine_not_offloaded", "2 of 3")
        fails(folder.fake("cuda", **gpu, expected_weights=6000 << 20), "engine_vram", "6000")
        fails(folder.fake("cuda", **(gpu | {"kind": "rocm"})), "engine_on_cpu")
        fails(folder.fake("cuda"), "engine_on_gpu")  # and a cpu pool never from a GPU
        liar = {**gpu, "smi": folder.file("elsewhere", b"0 0")}  # the engine says 5,000 MiB, the GPU shows none
        fails(folder.fake("cuda", **liar), "engine_vram", "0 MiB")


@tap.test
def a_driver_that_does_not_answer_starts_nothing():
    with Folder() as folder:
        broken = script(os.path.join(folder.path, "nvidia-smi"), "#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
        fails(folder.fake("cuda", kind="cuda", mask="0", nvidia_smi=broken), "driver_not_ready", "has failed", stages=[])
        _, smi = fake_smi(folder)
        fails(folder.fake("cuda", kind="cuda", mask="3", nvidia_smi=smi), "driver_not_ready", "none is '3'", stages=[])


# --- logicctl engine

FAKE_PROJECT = """# A FAKE of llama.cpp's build: a stub that knows the options.
cmake_minimum_required(VERSION 3.10)
project(fake CXX)
option(GGML_FAKE "" OFF)
add_executable(llama-server stub.cpp)
set_target_properties(llama-server PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
"""
STUB = """#include <cstdio>
#include <cstring>
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help"))
            return puts("--host H UNIX socket\\n--port P\\n-a, --alias S\\n-c, --ctx-size N\\n-np, --parallel N\\n"
                        "-ctk, --cache-type-k T\\n--metrics x\\n-ngl, --gpu-layers N"), 0;
    return puts("version: 77 (stub)"), 0;
}
"""


def fake_tree(folder):
    tree = os.path.join(folder.path, "llama.cpp")
    os.makedirs(tree, exist_ok=True)
    folder.file("llama.cpp/CMakeLists.txt", FAKE_PROJECT.encode())
    folder.file("llama.cpp/stub.cpp", STUB.encode())
    return tree


@tap.test
def an_engine_is_built_from_a_tree_with_normalised_flags():
    with Folder() as folder:
        tree, home = fake_tree(folder), os.path.join(folder.path, "home")
        one = json.loads(logicctl(home, "engine", "prepare", "--tree", tree, "--json", "GGML_FAKE=ON", "ALSO=1").stdout)
        assert one["version"].startswith("77 (stub) src-tree"), one
        equal(one["provider"], "source")
        assert "ALSO=1" in one["flags"] and "BUILD_SHARED_LIBS=OFF" in one["flags"], one
        equal(one["flags"], sorted(one["flags"]))
        equal(one["args"], ["-ngl", "999", "--metrics"])  # what the stub knows, no more
        equal(sha256(one["bin"]), one["sha256"])
        again = json.loads(logicctl(home, "engine", "prepare", "--tree", tree, "--json", "ALSO=1", "GGML_FAKE=ON").stdout)
        equal(again["version"], one["version"])
        other = json.loads(logicctl(home, "engine", "prepare", "--tree", tree, "--json", "--name", "b").stdout)
        assert other["version"] != one["version"]
        folder.file("llama.cpp/more.txt")
        moved = json.loads(logicctl(home, "engine", "prepare", "--tree", tree, "--json", "--name", "b").stdout)
        assert moved["version"] != other["version"]
        listed = json.loads(logicctl(home, "engine", "list", "--json").stdout)
        equal([entry["engine"] for entry in listed["engines"]], ["llama", "b"])
        assert "77 (stub)" in logicctl(home, "engine", "list").stdout
        with tarfile.open(os.path.join(home, "catalogue", moved["bundle"])) as bundle:
            names = bundle.getnames()
            equal(names, ["preflight.json", "plan.json", "prepared.json", "entry.json", "capabilities.json"])
            inside = {name: json.loads(bundle.extractfile(name).read()) for name in names}
        equal(inside["entry.json"], moved)
        assert all(check["ok"] for check in inside["preflight.json"]["checks"]), inside
        equal([step["what"] for step in inside["plan.json"]["steps"]], ["configure", "build", "ask what it understands"])
        equal(inside["prepared.json"]["engine_digest"], moved["sha256"])


@tap.test
def a_commit_names_the_version_and_a_change_is_seen():
    with Folder() as folder:
        tree, home = fake_tree(folder), os.path.join(folder.path, "home")
        for words in (("init", "-q"), ("add", "."), ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x")):
            subprocess.run(["git", "-C", tree, *words], check=True, stdin=subprocess.DEVNULL)
        commit = subprocess.run(["git", "-C", tree, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
        one = json.loads(logicctl(home, "engine", "prepare", "--tree", tree, "--json").stdout)
        assert " src-%s-" % commit[:12] in one["version"], one
        folder.file("llama.cpp/more.txt")
        two = json.loads(logicctl(home, "engine", "prepare", "--tree", tree, "--json").stdout)
        assert " src-%s-changed-" % commit[:12] in two["version"], two


@tap.test
def a_build_that_fails_says_why_and_enters_nothing():
    with Folder() as folder:
        tree, home = fake_tree(folder), os.path.join(folder.path, "home")
        folder.file("llama.cpp/stub.cpp", b"this is no C++\n")
        said = logicctl(home, "engine", "prepare", "--tree", tree, code=6).stderr
        assert "error" in said and "build.log" in said, said
        equal(json.loads(logicctl(home, "engine", "list", "--json").stdout)["engines"], [])


@tap.test
def preflight_names_all_that_is_missing_and_the_remedy():
    with Folder() as folder:
        home = os.path.join(folder.path, "home")
        os.makedirs(home)
        said = subprocess.run([LOGICCTL, "engine", "prepare", "--tree", folder.path, "--home", home],
                              env={"PATH": "/nonexistent"}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        equal(said.returncode, 6)
        for word in ("CMakeLists.txt", "apt-get install cmake", "apt-get install g++", "ninja-build", "4 of 5"):
            assert word in said.stderr, said.stderr
        for words in (("--bin", "/bin/true"), ("--bin", "/nonexistent"), ("--bin", folder.file("no-program"))):
            said = logicctl(home, "engine", "prepare", *words, code=6).stderr
            assert "preconditions fail" in said, said
        for words in ((), ("--provider", "container", "--bin", "/bin/true"), ("--bin", "/bin/true", "X=1", "--provider", "process"),
                      ("--bin", "/bin/true", "--name", "../x"), ("--tree", folder.path, "x=1"), ("--tree", folder.path, "A=1", "A=2")):
            logicctl(home, "engine", "prepare", *words, code=2)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    tap.run()
