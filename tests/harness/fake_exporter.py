# SPDX-License-Identifier: Apache-2.0
"""FAKE exporters: they say what a test wants them to say, as badly as it wants.

    with FakeExporter("load1 1\\n") as exporter:       exporter.url; exporter.text = …; exporter.asked counts
    with RealExporter() as exporter:                   the real prometheus-node-exporter; stop() and start()

`text` may be bytes, str, a function of nothing that gives them, or one of the bad manners below (a function of the connection).
"""
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from node import Skip, free_port, wait_for

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %d\r\n\r\n"


def slow_drip(connection):
    connection.sendall(HEAD % 100000)
    for _ in range(600):
        connection.sendall(b"#")
        time.sleep(0.1)


def never_answers(connection):
    connection.settimeout(60)
    connection.recv(1)


def ten_megabytes(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"# " + b"x" * 65532 + b"\n"
    for _ in range(160):
        connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    connection.sendall(b"0\r\n\r\n")


def announces_much(connection):
    connection.sendall(HEAD % (10 << 20))


def torn(connection):
    connection.sendall(HEAD % 100 + b"load1 1\n")


def no_http(connection):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")


def answers(status, fields="", body=b""):
    def manner(connection):
        connection.sendall(b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" % (status.encode(), fields.encode(), len(body)) + body)
    return manner


class FakeExporter:
    def __init__(self, text, manner=None):
        self.text, self.manner, self.asked, self.requests = text, manner, 0, []
        self.wrap = None  # an ssl.SSLContext: https
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = "http://127.0.0.1:%d/metrics" % self.port
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        try:
            with connection:
                if self.wrap:
                    connection = self.wrap.wrap_socket(connection, server_side=True)
                reader = connection.makefile("rb")
                while True:
                    head = []
                    while (line := reader.readline()) not in (b"\r\n", b""):
                        head.append(line)
                    if not head:
                        return
                    self.requests.append(b"".join(head))
                    self.asked += 1
                    if self.manner:
                        self.manner(connection)
                        return
                    text = self.text() if callable(self.text) else self.text
                    text = text if isinstance(text, bytes) else text.encode()
                    connection.sendall(HEAD % len(text) + text)
        except OSError:
            pass

    def close(self):
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class RealExporter:
    def __init__(self, *arguments):
        self.arguments = arguments
        self.program, self.process = shutil.which("prometheus-node-exporter"), None
        if not self.program:
            raise Skip("no prometheus-node-exporter on this machine")
        self.port = free_port()
        self.url = "http://127.0.0.1:%d/metrics" % self.port

    def start(self):
        self.process = subprocess.Popen([self.program, "--web.listen-address=127.0.0.1:%d" % self.port, *self.arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def up():
            try:
                return self.scrape()
            except OSError:
                return None
        wait_for("the node_exporter", up)

    def scrape(self):
        return urllib.request.urlopen(self.url, timeout=10).read().decode()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class DiskExporter(RealExporter):
    """The real one, with a folder of text files that it tells too: disks with so many reallocated sectors."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="ln-textfile-")
        os.chmod(self.folder.name, 0o755)
        super().__init__("--collector.textfile.directory=" + self.folder.name)

    def tell(self, **disks):
        """All at once, as smartmon scripts do it; the moment."""
        path = os.path.join(self.folder.name, "smartmon.prom")
        with open(path + ".new", "w") as f:
            f.writelines('smartmon_reallocated_sector_ct_raw_value{disk="/dev/%s",type="sat"} %d\n' % row for row in disks.items())
        os.chmod(path + ".new", 0o644)
        os.rename(path + ".new", path)
        return time.time()

    def stop(self):
        super().stop()
        self.folder.cleanup()
