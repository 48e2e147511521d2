# SPDX-License-Identifier: Apache-2.0
"""A new node by `logicctl setup`, the look at its places by `logicctl layout`, and the signed head of its ledger kept by
`logicctl ledger checkpoint`."""
import glob
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from node import LOGICCTL, LOGICD, ROOT, Node, Tap, equal, free_port, page, wait_for  # noqa: E402

tap = Tap()
EXAMPLE = os.path.join(ROOT, "kb/site")


class Home:
    """An installed node's folder as far as setup needs it: links to the rules."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="ln-setup-")
        os.makedirs(self.path + "/kb")
        for name in ("core", "main.pl"):
            os.symlink(os.path.join(ROOT, "kb", name), os.path.join(self.path, "kb", name))
        return self

    def setup(self, *words, code=0, example=EXAMPLE, **more):
        done = subprocess.run([LOGICCTL, "setup", "--home", self.path, "--from", example, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, **more)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def facts(self):
        return {os.path.basename(p): open(p).read() for p in glob.glob(self.path + "/site/*.pl")}

    def __exit__(self, *_):
        shutil.rmtree(self.path)


@tap.test
def node_that_was_set_up_starts_knows_its_name_and_its_owner():
    with Home() as home:
        port = free_port()
        told = json.loads(home.setup("--name", "box-1", "--listen", "127.0.0.1:%d" % port, "--origin", "http://localhost:%d" % port,
                                     "--json"))
        equal((told["name"], told["listen"], told["started"]), ("box-1", "127.0.0.1:%d" % port, False))
        facts = home.facts()
        assert 'this_node("box-1").' in facts["house.pl"] and '"logic-node"' in facts["house.pl"], facts["house.pl"]
        assert '"logic-node"' not in facts["inventory.pl"] + facts["network.pl"]
        assert 'page_origin("http://localhost:%d").' % port in facts["page.pl"]
        equal(open(home.path + "/logic-node.conf").read().splitlines()[1], "LISTEN=127.0.0.1:%d" % port)
        key = home.path + "/keys/owner.pem"
        equal(oct(os.stat(key).st_mode & 0o777), "0o600")
        node = subprocess.Popen([LOGICD, "serve", "--home", home.path, "--kb", home.path + "/kb", "--web", page(), "--playbooks",
                                 os.path.join(ROOT, "deploy/ansible"), "--listen", told["listen"]],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(home.path + "/log", "w"))
        try:
            def people():
                assert node.poll() is None, open(home.path + "/log").read()[-3000:]
                done = subprocess.run([LOGICCTL, "operator", "list", "--home", home.path, "--json"], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True)
                return done.stdout if done.returncode == 0 else None
            said = wait_for("the node to say who may sign", people)
            assert "owner" in said, said
        finally:
            node.terminate()
            equal(node.wait(60), 0)


@tap.test
def setup_touches_nothing_that_is_there():
    with Home() as home:
        home.setup("--name", "box-1", "--yes")
        before, key = home.facts(), open(home.path + "/keys/owner.pem").read()
        assert "set up" in home.setup("--name", "box-2", "--yes", code=2)
        equal((home.facts(), open(home.path + "/keys/owner.pem").read()), (before, key))
        shutil.rmtree(home.path + "/site")  # the owner begins anew: the key stays theirs
        home.setup("--name", "box-2", "--yes")
        equal((home.facts()["keys.pl"], open(home.path + "/keys/owner.pem").read()), (before["keys.pl"], key))


@tap.test
def wrong_answers_are_refused_with_a_remedy_and_leave_no_facts():
    with Home() as home:
        for words, remedy in ((("--name", "Box"), "small letters"), (("--name", "-a"), "small letters"),
                              (("--name", "a" * 64), "at most 63"), (("--name", "x" * 200), "longer"),
                              (("--listen", "30080"), "HOST:PORT"), (("--listen", "h:0"), "HOST:PORT"),
                              (("--listen", "h:99999"), "HOST:PORT"), (("--listen", "a b:1"), "HOST:PORT"),
                              (("--origin", "localhost"), "the page's address"), (("--origin", 'http://a").evil("'), "the page's address")):
            said = refused(home, words)
            assert remedy in said, (words, said)
            equal((home.facts(), os.path.exists(home.path + "/logic-node.conf")), ({}, False))
        assert "stdin is no terminal" in home.setup("--name", "a", code=2)


def refused(home, words):
    done = subprocess.run([LOGICCTL, "setup", "--home", home.path, "--from", EXAMPLE, *words, "--yes"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode != 0, (words, done.stdout)
    return done.stderr


@tap.test
def site_that_the_rules_refuse_is_not_kept():
    with Home() as home:
        example = home.path + "/example"
        shutil.copytree(EXAMPLE, example)
        with open(example + "/wrong.pl", "w") as f:
            f.write("no_such_fact(1).\n")
        said = home.setup("--name", "box-1", "--yes", code=2, example=example)
        assert "nothing was kept" in said and "no_such_fact" in said, said
        equal((home.facts(), os.path.exists(home.path + "/logic-node.conf")), ({}, False))
        assert "no files of facts" in home.setup("--yes", code=2, example=home.path + "/keys")


@tap.test
def person_at_a_terminal_is_asked():
    with Home() as home:
        ours, theirs = pty.openpty()
        with subprocess.Popen([LOGICCTL, "setup", "--home", home.path, "--from", EXAMPLE, "--json"], stdin=theirs, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as asked:
            os.close(theirs)
            os.write(ours, b"box-7\n\nhttps://box-7.home.arpa\n")
            out, questions = asked.communicate(timeout=120)
        os.close(ours)
        equal(asked.returncode, 0)
        told = json.loads(out)
        equal((told["name"], told["listen"], told["origin"]), ("box-7", "127.0.0.1:30080", "https://box-7.home.arpa"))
        equal(len(re.findall(r"\?", questions)), 3)


@tap.test
def layout_says_what_is_missing_open_or_leads_nowhere():
    with Home() as home:
        def look(code):
            done = subprocess.run([LOGICCTL, "layout", "--home", home.path, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  text=True, timeout=60)
            assert code in (None, done.returncode), done.returncode
            return {row["path"][len(home.path):].lstrip("/"): row for row in json.loads(done.stdout)["places"]}
        rows = look(6)
        equal((rows["kb"]["fine"], rows["ledger"]["fine"], rows["ledger"]["is"]), (True, False, "is missing"))
        wanted = {}
        for line in open(os.path.join(ROOT, "deploy/layout.tmpfiles")):
            hit = re.match(r"([dL]) /opt/logic-node/?(\S*) +(\S+)", line)
            if hit:
                wanted[hit.group(2)] = (hit.group(1), hit.group(3))
        equal(sorted(rows), sorted(wanted))
        for name, (kind, mode) in sorted(wanted.items()):
            whole = os.path.join(home.path, name)
            equal((name, rows[name]["wanted"]), (name, "link" if kind == "L" else "folder"))
            if kind == "d":
                os.makedirs(whole, exist_ok=True)
                os.chmod(whole, int(mode, 8))
            elif not os.path.lexists(whole):
                os.symlink(ROOT, whole)
        equal([row for row in look(None).values() if not row["fine"]], [])
        look(0)
        os.chmod(home.path + "/ledger", 0o755)
        os.chmod(home.path + "/kb", 0o775)
        os.unlink(home.path + "/www")
        os.symlink("/nowhere", home.path + "/www")
        shutil.rmtree(home.path + "/logs")
        open(home.path + "/logs", "w").close()
        rows = look(6)
        equal({name for name, row in rows.items() if not row["fine"]}, {"ledger", "kb", "www", "logs"})
        assert "0755, not 0700" in rows["ledger"]["is"] and "leads nowhere" in rows["www"]["is"] and "no folder" in rows["logs"]["is"], rows


# --- logicctl ledger checkpoint

def checkpoint(node, *words, code=0):
    done = subprocess.run([LOGICCTL, "ledger", "checkpoint", "--home", node.home, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout.strip() if code == 0 else done.stderr


@tap.test
def head_is_signed_kept_once_and_agrees_with_the_export():
    with Node(named=False) as node:
        node.intent("list my nodes")
        first = checkpoint(node)
        equal(os.path.dirname(first), node.home + "/checkpoints")
        told = json.loads(checkpoint(node, "--json"))
        equal((told["file"], sorted(os.listdir(node.home + "/checkpoints"))), (first, [os.path.basename(first)]))
        note = open(first).read()
        equal(note.split("\n")[:2], [told["origin"], str(told["size"])])
        export = subprocess.run([LOGICCTL, "ledger", "export", "--home", node.home], stdout=subprocess.PIPE, text=True, check=True).stdout
        assert note in [json.loads(line).get("checkpoint") for line in export.splitlines()], note
        node.intent("list my nodes")
        second = checkpoint(node, "--out", node.home + "/else where/deep")
        assert second.startswith(node.home + "/else where/deep/") and os.path.basename(second) > os.path.basename(first)


@tap.test
def another_head_of_the_same_size_is_a_loud_failure():
    with Node(named=False) as node:
        node.intent("list my nodes")
        path = checkpoint(node)
        os.chmod(path, 0o644)
        with open(path, "a") as f:
            f.write("x")
        kept = open(path).read()
        assert "another ledger" in checkpoint(node, code=6)
        equal(open(path).read(), kept)


@tap.test
def oldest_notes_go_and_nothing_else_does():
    with Node(named=False) as node:
        node.intent("list my nodes")
        folder = node.home + "/checkpoints"
        os.makedirs(folder)
        others = ["note-1.txt", "checkpoint-1.txt", "checkpoint-00000000000x.txt", "checkpoint-000000000001.txt.old"]
        names = ["checkpoint-%012d.txt" % number for number in range(100000, 102003)]
        for name in [*names, *others]:
            open(os.path.join(folder, name), "w").close()
        ours = os.path.basename(checkpoint(node))  # the smallest, but the one just written
        equal(sorted(os.listdir(folder)), sorted([ours, *names[3:], *others]))


if __name__ == "__main__":
    tap.run()
