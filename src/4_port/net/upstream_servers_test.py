# SPDX-License-Identifier: Apache-2.0
"""upstream_servers_test.py NET_PROXY_BENCH — upstream before servers that others wrote: Python's http.server with HTTP/1.0 and 1.1 and
nginx. What comes through net_proxy_bench is byte for byte what comes without it."""
import contextlib
import hashlib
import http.client
import http.server
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

PROXY = [*os.environ.get("LN_EXE_WRAPPER", "").split(), sys.argv[1]]  # a program of another machine by its emulator
PATIENCE_S = 30 * int(os.environ.get("LN_PATIENCE", "1"))
LARGE = os.urandom(1 << 20) * 12
FILES = {"small.txt": b"hello\n", "empty.txt": b"", "large.bin": LARGE}
NGINX = """worker_processes 1; daemon off; pid %(dir)s/pid; error_log /dev/null;
events { worker_connections 256; }
http { access_log off; client_max_body_size 64m; client_body_temp_path %(dir)s/b; proxy_temp_path %(dir)s/p;
 fastcgi_temp_path %(dir)s/f; uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s;
 server { listen 127.0.0.1:%(port)d; root %(root)s; keepalive_requests 7;
  location /gone { return 410 "gone for good"; } location /nothing { return 204; }
  location /gzip/ { alias %(root)s/; gzip on; gzip_min_length 1; gzip_types *; } } }
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = hashlib.sha256(body).hexdigest().encode()
        self.send_response(200)
        if self.path == "/chunked" and self.protocol_version == "HTTP/1.1":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, 64, 16):
                self.wfile.write(b"10;i=%d\r\n%s\r\n" % (i, answer[i:i + 16]))
            self.wfile.write(b"0\r\nX-Trailer: y\r\n\r\n")
        elif self.path == "/until-close":
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer)
        else:
            self.send_header("Content-Length", "64")
            self.end_headers()
            self.wfile.write(answer)


@contextlib.contextmanager
def python_server(version, folder):
    class Own(Handler):
        protocol_version = version

        def __init__(self, *args):
            super().__init__(*args, directory=folder)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Own)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def process(command, port):
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            assert child.poll() is None, "%s ended" % command[0]
            time.sleep(0.05)
        yield
    finally:
        child.terminate()
        child.wait(20)


def ask(connection, method, path, body=None):
    connection.request(method, path, body)
    reply = connection.getresponse()
    return reply.status, reply.read(), reply.getheader("Content-Type"), reply.getheader("Content-Encoding")


def same(upstream, requests, rounds):
    """Each request with and without the proxy; the list of those that differ."""
    port = free_port()
    wrong = []
    with process([*PROXY, str(port), "http://127.0.0.1:%d" % upstream], port):
        through = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        for method, path, body in requests * rounds:
            direct = http.client.HTTPConnection("127.0.0.1", upstream, timeout=PATIENCE_S)
            wanted, got = ask(direct, method, path, body), ask(through, method, path, body)
            direct.close()
            if wanted != got:
                wrong.append((method, path, wanted[0], len(wanted[1]), wanted[2:], got[0], len(got[1]), got[2:]))
        through.close()
    return wrong


GETS = [(method, "/" + name, None) for name in list(FILES) + ["missing"] for method in ("GET", "HEAD")]
POSTS = [("POST", path, body) for path in ("/length", "/chunked", "/until-close") for body in (b"", b"x" * 1000, LARGE)]


def cases(folder):
    for version in ("HTTP/1.0", "HTTP/1.1"):
        with python_server(version, folder) as port:
            yield "http.server with %s" % version, same(port, GETS + POSTS, 2)
    if not shutil.which("nginx"):
        yield "nginx # SKIP no nginx here", []
        return
    port, own = free_port(), tempfile.mkdtemp(prefix="upstream-nginx-")
    try:
        path = os.path.join(own, "conf")
        with open(path, "w") as f:
            f.write(NGINX % {"dir": own, "port": port, "root": folder})
        more = [("GET", "/gone", None), ("GET", "/nothing", None), ("GET", "/gzip/small.txt", None), ("POST", "/gone", LARGE)]
        with process(["nginx", "-p", own, "-c", path], port):
            yield "nginx, which closes each seventh connection", same(port, GETS + more, 8)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def main():
    folder, bad = tempfile.mkdtemp(prefix="upstream-servers-"), 0
    try:
        for name, content in FILES.items():
            with open(os.path.join(folder, name), "wb") as f:
                f.write(content)
        print("1..3")
        for number, (name, wrong) in enumerate(cases(folder), 1):
            for line in wrong[:5]:
                print("# %s %s: wanted %s, %d bytes, %s; got %s, %d bytes, %s" % line)
            bad += bool(wrong)
            print("%s %d - %s" % ("not ok" if wrong else "ok", number, name), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(bad > 0)


main()
