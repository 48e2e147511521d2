# SPDX-License-Identifier: Apache-2.0
"""What tests of bad input share: nothing changed, refused with a code, raw bytes, many at once."""
import contextlib
import os
import signal
import socket
import threading

from node import equal


@contextlib.contextmanager
def unchanged(node):
    """The zones, the processes and the rules stay; what the ledger gains is no order."""
    world, roles, seq = node.named.world(), node.roles(), node.entries()[-1]["seq"]
    yield
    gained = [entry["kind"] for entry in node.entries(seq)]
    assert not {"warrant_issued", "case_executed", "kb_loaded"} & set(gained), gained
    equal(node.named.world(), world)
    equal({name: role["pid"] for name, role in node.roles().items()},
          {name: role["pid"] for name, role in roles.items()})
    equal(node.get("/api/v1/status")[1]["judge"]["killed"], 0)
    equal(node.intent("list the nodes")["status"], "success")  # and it still serves


@contextlib.contextmanager
def untouched(node):
    """Not even the ledger gains anything."""
    before = len(node.entries())
    with unchanged(node):
        yield
        equal(len(node.entries()), before)


def refused(answer, status, code, param=None):
    got, body = answer
    assert isinstance(body, dict) and "error" in body, answer
    equal((got, body["error"]["code"]), (status, code))
    if param:
        equal(body["error"]["param"], param)
    assert body["error"]["message"], body
    return body["error"]["message"]


def head(path="/api/v1/proposals", fields=b""):
    """A POST up to its body; `fields` are further lines."""
    return (b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\n%s\r\n" % (path.encode(), fields))


def send(node, data, cut=False, patience_s=20):
    """Raw bytes; what came back until the server closed. `cut`: nothing more will come."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=patience_s) as s:
        s.sendall(data)
        if cut:
            s.shutdown(socket.SHUT_WR)
        return everything(s)


def everything(s):
    out = b""
    with contextlib.suppress(ConnectionResetError):
        while True:
            got = s.recv(65536)
            if not got:
                break
            out += got
    return out


def parallel(count, function):
    answers = [None] * count

    def one(number):
        answers[number] = function(number)
    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def codes(answers):
    return [body["error"]["code"] for _, body in answers if body.get("error")]


@contextlib.contextmanager
def halted(node, role):
    """The role stands still; it goes on at the end."""
    pid = node.pid(role)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def parallel_while_halted(node, role, count, function, halt_s=2):
    """Ask `count` times at once while the role stands still, which is so for `halt_s`."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(halted(node, role))
        timer = threading.Timer(halt_s, stack.close)
        timer.start()
        answers = parallel(count, function)
        timer.join()
    return answers


def failed(answer, code, *words):
    """Failed with this code and these words, and the record says that nothing changed."""
    equal((answer["status"], answer["error"]["code"]), ("failed", code))
    for word in words:
        assert word in answer["error"]["message"], answer["error"]
    return answer["case"]


def outcome(node, case):
    return [entry for entry in node.entries() if entry["case"] == case][-1]
