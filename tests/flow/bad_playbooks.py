# SPDX-License-Identifier: Apache-2.0
"""Playbooks that fail half-way, that were edited, that talk or last too long: what was changed
before is said, and nothing else happens."""
import contextlib
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from bad import failed, outcome  # noqa: E402
from node import Node, Tap, equal  # noqa: E402

tap = Tap()
HALF = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: first file
      ansible.builtin.copy: {content: "one\\n", dest: "FOLDER/first", mode: "0644"}
    - name: breaks
      ansible.builtin.command: {cmd: "/bin/false"}
    - name: last file
      ansible.builtin.copy: {content: "three\\n", dest: "FOLDER/last", mode: "0644"}
"""


LOUD = HALF.replace("""ansible.builtin.command: {cmd: "/bin/false"}
""", """ansible.builtin.copy:
        content: "{{ 'word\\n' * 8000 }}"
        dest: "FOLDER/loud{{ item }}"
        mode: "0644"
      loop: "{{ range(12) | list }}"
      when: not ansible_check_mode
""")


@contextlib.contextmanager
def playbook_node(text, settings=(), facts=""):
    """A node that may run tests/half.yml, whose FOLDER may be written."""
    folder = tempfile.mkdtemp(prefix="ln-half-")
    site = {"half.pl": 'playbook("tests/half.yml", "inventory/here.yml", "a test").\n' + facts}
    node = Node(site=site, start=False, settings=settings, args=["--writable", folder])
    try:
        below = node.playbooks()
        os.makedirs(os.path.join(below, "tests"))
        with open(os.path.join(below, "tests/half.yml"), "w") as f:
            f.write(text.replace("FOLDER", folder))
        with open(os.path.join(below, "inventory/here.yml"), "w") as f:
            f.write("all: {hosts: {localhost: {ansible_connection: local,"
                    " ansible_python_interpreter: /usr/bin/python3}}}\n")
        with node:
            node.start()
            yield node, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_half(node):
    answer = node.propose("playbook_run", playbook="tests/half.yml")[1]
    equal((answer["status"], answer.get("error")), ("awaiting_consent", None))
    return answer["case"]


@tap.test
def playbook_that_fails_half_way_says_what_it_changed_before():
    with playbook_node(HALF) as (node, folder):
        case = run_half(node)
        equal(os.listdir(folder), [])  # the dry run wrote nothing
        answer = node.consent(case)[1]
        failed(answer, "playbook_failed", "'breaks'", "changed before: 'first file'")
        equal(os.listdir(folder), ["first"])
        equal(outcome(node, case)["body"]["changed"], "yes")
        assert "first file" in json.dumps(node.case(case)["error"]), node.case(case)
        node.verify_ledger()


@tap.test
def playbook_that_was_edited_after_the_dry_run_is_not_run():
    with playbook_node(HALF) as (node, folder):
        case = run_half(node)
        with open(os.path.join(node.home, "ansible/tests/half.yml"), "a") as f:
            f.write("# a comment\n")
        failed(node.consent(case)[1], "world_moved")
        equal(os.listdir(folder), [])
        equal(outcome(node, case)["body"]["changed"], "no")


@tap.test
def invariant_9_playbooks_that_talk_or_last_too_long_are_ended():
    with playbook_node(LOUD, ["actuator.playbook_output_bytes=20000"]) as (node, folder):
        failed(node.consent(run_half(node))[1], "output_too_large", "20000", "'first file'")
        assert os.path.exists(folder + "/first"), os.listdir(folder)
    slow = HALF.replace("/bin/false", "/bin/sleep 300")
    with playbook_node(slow, ["actuator.playbook_ms=9000"]) as (node, folder):
        answer = node.consent(run_half(node))[1]
        failed(answer, "too_slow", "9000 ms", "'first file'")
        equal(os.listdir(folder), ["first"])


if __name__ == "__main__":
    tap.run()
