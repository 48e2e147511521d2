# SPDX-License-Identifier: Apache-2.0
"""FAKE receivers of notifications: they answer what a test says and keep what they were sent. None of them is a webhook, a Slack or
an ntfy server; the forms are those that docs/dashboard.md §6 promises.

    with FakeReceiver() as phone:
        ... phone.url("/topic") ...; phone.told() -> the bodies, decoded
"""
import json
import socket
import ssl
import subprocess
import threading
import time

from node import free_port, wait_for


class FakeReceiver:
    """`mode` may be changed at any time: good, bad (500), redirect, large, garbage, silent, slow, closed."""

    def __init__(self, mode="good", port=None, tls=None):
        self.mode, self.requests, self.tls, self.slow_s = mode, [], tls, 3
        self.lock, self.open = threading.Lock(), True
        self.most_at_once = self.at_once = 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = port or free_port()
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()

    def close(self):
        self.open = False
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def url(self, path="/in"):
        return "%s://127.0.0.1:%d%s" % ("https" if self.tls else "http", self.port, path)

    def accept(self):
        while self.open:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with connection:
                if self.tls:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(*self.tls)
                    connection = context.wrap_socket(connection, server_side=True)
                self.talk(connection)
        except OSError:
            pass
        finally:
            with self.lock:
                self.at_once -= 1

    def talk(self, connection):
        mode, data = self.mode, b""
        if mode == "closed":
            return
        connection.settimeout(60)
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:]}
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        with self.lock:
            self.requests.append({"line": lines[0], "headers": headers, "raw": data[:len(head) + 4] + body, "body": body, "mode": mode})
        if mode == "slow":
            time.sleep(self.slow_s)
        if mode == "silent":
            while self.open and connection.recv(1024):
                pass
        elif mode == "garbage":
            connection.sendall(b"220 mail.example ESMTP ready\r\n")
        elif mode == "large":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n")
            for _ in range(160):
                connection.sendall(b"x" * 65536)
        else:
            status = {"bad": "500 No", "redirect": "302 Found\r\nLocation: http://127.0.0.1:1/evil"}.get(mode, "200 OK")
            connection.sendall(("HTTP/1.1 %s\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok" % status).encode())

    def taken(self, *modes):
        """Requests that got a good answer; or those of these modes."""
        with self.lock:
            return [r for r in self.requests if r["mode"] in (modes or ("good", "slow"))]

    def told(self, *modes):
        return [json.loads(r["body"]) for r in self.taken(*modes)]

    def wait_told(self, count, patience_s=60):
        return wait_for("%d messages" % count, lambda: len(self.told()) >= count and self.told(), patience_s)


def house_certificate(folder, name):
    """A CA of the house (ca.crt) and two certificates of it: for 127.0.0.1, and for that name."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
            "-subj", "/CN=house", "-days", "2")
    for which in ("right", "wrong"):
        alt = "IP:127.0.0.1" if which == "right" else "DNS:%s" % name
        with open("%s/%s.ext" % (folder, which), "w") as f:
            f.write("subjectAltName=%s\n" % alt)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", which + ".key", "-out", which + ".csr",
                "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", which + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", which + ".crt",
                "-days", "2", "-extfile", which + ".ext")
    return [("%s/%s.crt" % (folder, which), "%s/%s.key" % (folder, which)) for which in ("right", "wrong")]
