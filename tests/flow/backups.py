# SPDX-License-Identifier: Apache-2.0
"""The age of the backup, from the status that its last run left to an alert in the ledger: old, fresh, never made, not to be believed.

The runs themselves are not here (tests/system/restic.py, zfs.py, backup_machine.py): the status file is written as they write it.
"""
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from fast_rules import with_fast_rules  # noqa: E402
from node import Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
SITE = 'node("box", "192.0.2.1", "a machine").\nsense_source("backup", "box", backup, "local", 1).\n'
HOUR = 3600


class House(Node):
    """A node that is told of a backup.conf, and what a run leaves."""

    def __init__(self, **more):
        super().__init__(named=False, site={"senses.pl": SITE}, settings=["judge.senses_tick_ms=500"], start=False, **more)
        self.kb = with_fast_rules(self.home)
        self.state, self.config = self.home + "-backup", self.home + "-backup.conf"
        self.args = ["--backup", self.config]

    def __enter__(self):
        os.makedirs(self.state)
        return super().__enter__()

    def __exit__(self, *why):
        super().__exit__(*why)
        for name in os.listdir(self.state):
            os.unlink(os.path.join(self.state, name))
        os.rmdir(self.state)
        if os.path.exists(self.config):
            os.unlink(self.config)

    def command(self):
        command = super().command()
        command[command.index("--kb") + 1] = self.kb
        return command

    def set_up(self, hours_ago=0):
        with open(self.config, "w") as f:
            f.write("BACKUP=zfs\nSTATE=%s\n" % self.state)
        os.utime(self.config, (time.time() - hours_ago * HOUR,) * 2)

    def put(self, text):
        path = os.path.join(self.state, "status.json")
        with open(path + ".new", "w") as f:
            f.write(text)
        os.rename(path + ".new", path)

    def ran(self, hours_ago, ok=True):
        now = time.time()
        self.put(json.dumps({"kind": "zfs", "ok": ok, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
                             "good_at": int(now - hours_ago * HOUR), "dataset": "tank/node", "words": ""}) + "\n")

    def told(self):
        """[(kind, condition, severity)] of the ledger; a clearing is told of its alert."""
        raised, rows = {}, []
        for entry in self.entries():
            body = entry["body"]
            if entry["kind"] == "alert_raised":
                raised[entry["seq"]] = body["condition"]
                rows.append(("raised", body["condition"], body["severity"]))
            elif entry["kind"] == "alert_changed":
                rows.append(("changed", raised[body["alert"]], body["severity"]))
            elif entry["kind"] == "alert_cleared":
                rows.append(("cleared", raised[body["alert"]], body["why"]))
        return rows

    def waits_for(self, *row):
        wait_for("%s of %s (%s)" % row, lambda: row in self.told())

    def metric(self, name):
        found = re.search(r"^logic_%s(?:\{[^}]*\})? (\S+)$" % name, self.get("/metrics")[1].decode(), re.M)
        return found and float(found.group(1))

    def source(self):
        status, body = self.get("/api/v1/sources")
        return body["sources"][0] if status == 200 and body.get("sources") else {"state": None}

    def sees(self, words):
        """Until the sensor says so of the backup, and the rules have stepped after it."""
        wait_for("the source to say " + words, lambda: words in self.source().get("words", ""))
        time.sleep(1.5)  # three steps of the rules: if they were to say something wrong, then now


@tap.test
def old_is_raised_older_is_critical_and_a_fresh_one_ends_it():
    with House() as node:
        node.set_up()
        node.ran(hours_ago=7)
        node.start()
        node.waits_for("raised", "backup_old", "warning")
        words = next(e["body"]["words"] for e in node.entries() if e["kind"] == "alert_raised")
        assert words.startswith("warning: box has no recent backup: 7 h"), words
        wait_for("the metric", lambda: (node.metric("backup_age_seconds") or 0) >= 7 * HOUR)
        equal(node.metric("backup_known"), 1)
        node.ran(hours_ago=13, ok=False)  # the last run failed: what counts is the one before
        node.waits_for("changed", "backup_old", "critical")
        node.ran(hours_ago=0)
        node.waits_for("cleared", "backup_old", "clear")
        wait_for("the metric of a fresh one", lambda: node.metric("backup_age_seconds") < HOUR)
        equal(node.source()["state"], "ok")
        equal([row[1] for row in node.told()], ["backup_old"] * 3)
        node.verify_ledger()


@tap.test
def what_cannot_be_believed_is_told_as_unknown_and_clears_nothing():
    with House() as node:
        node.set_up()
        node.ran(hours_ago=7)
        node.start()
        node.waits_for("raised", "backup_old", "warning")
        ahead, long = time.time() + HOUR, " " * (1 << 17)
        for garbage, words in [("\x00garbage", "status.json: "), ('{"ok":true,"good_at":0}', "cannot be one"),
                               ('{"ok":true,"good_at":%d}' % ahead, "ahead of this clock"),
                               ('{"ok":true,"good_at":%d}%s' % (time.time(), long), "longer than")]:
            node.put(garbage)
            node.sees(words)
            equal(node.source()["state"], "refused")
            node.waits_for("raised", "backup_unknown", "warning")
            equal([row[:2] for row in node.told()], [("raised", "backup_old"), ("raised", "backup_unknown")])
        wait_for("the metrics", lambda: (node.metric("backup_known"), node.metric("backup_age_seconds")) == (0, None))
        node.ran(hours_ago=0)
        node.waits_for("cleared", "backup_old", "clear")
        node.waits_for("cleared", "backup_unknown", "clear")


@tap.test
def where_none_is_set_up_nothing_is_told_and_one_that_was_never_made_is_old():
    with House() as node:
        node.start()
        node.sees("no backup is set up")
        wait_for("what the sensor counts", lambda: node.metric("sensor_scrapes_total"))
        equal((node.metric("backup_known"), node.metric("backup_age_seconds"), node.told()), (None, None, []))
        node.set_up(hours_ago=7)  # while the node runs: the sensor notices
        node.waits_for("raised", "backup_old", "warning")
        assert '"event":"backup_set_up_anew"' in node.log_text().replace('": "', '":"'), node.log_text()[-2000:]
        node.ran(hours_ago=1)
        node.waits_for("cleared", "backup_old", "clear")
        os.unlink(node.config)  # and that it is no more
        wait_for("no metric", lambda: node.get("/readyz")[0] == 200 and node.metric("sensor_scrapes_total") and
                 node.metric("backup_known") is None)


if __name__ == "__main__":
    tap.run()
