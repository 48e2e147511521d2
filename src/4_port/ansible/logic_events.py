# SPDX-License-Identifier: Apache-2.0
# Ansible's results as one JSON line each on descriptor 3, for the Ansible hand. Ansible-core
# ships no JSON callback (it lies in a collection), and that one speaks only at the end: a run that
# is killed would say nothing.
from __future__ import annotations

import difflib
import hashlib
import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: logic_events
type: stdout
short_description: JSON lines on descriptor 3
description: [one line for each result of a task]
"""
TEXT_MAX = 4000
REASON_MAX = 400
NAME_MAX = 200
DIFFS_MAX = 50


def text_of(value):
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode("utf-8", "replace")
    if not isinstance(value, str):
        value = json.dumps(value, indent=1, sort_keys=True, default=str)
    return value


def one_diff(diff, title):
    before, after = text_of(diff.get("before") or ""), text_of(diff.get("after") or "")
    if "prepared" in diff:
        return {"op": "change", "text": (title + "\n" + text_of(diff["prepared"]))[:TEXT_MAX]}
    if before == after:
        return None
    op = "add" if not before else "remove" if not after else "change"
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    return {"op": op, "text": "\n".join([title] + list(lines)[2:])[:TEXT_MAX]}


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "logic_events"

    def __init__(self):
        super().__init__()
        self.out = os.fdopen(3, "w", encoding="utf-8")

    def say(self, event):
        self.out.write(json.dumps(event, ensure_ascii=True) + "\n")
        self.out.flush()

    def diffs(self, result):
        shown, digest = [], hashlib.sha256()
        items = [item for item in result.get("results", []) if isinstance(item, dict)]
        for part in [result] + items:
            args = (part.get("invocation") or {}).get("module_args") or {}
            title = text_of(part.get("dest") or part.get("path") or args.get("dest")
                            or args.get("path") or "")
            found = part.get("diff") or []
            for diff in found if isinstance(found, list) else [found]:
                if not isinstance(diff, dict):
                    continue
                texts = [text_of(diff.get(key) or "") for key in ("before", "after", "prepared")]
                digest.update(json.dumps([title] + texts).encode())
                one = one_diff(diff, title)
                if one and len(shown) < DIFFS_MAX:
                    shown.append(one)
        return shown, digest.hexdigest()

    @staticmethod
    def unsupported(result):
        """A skip that only says that check mode cannot tell."""
        said = text_of(result.get("msg") or "")
        return "does not support check mode" in said or "if not in check mode" in said

    def task(self, result, outcome):
        data = result._result
        items = [item for item in data.get("results", []) if isinstance(item, dict)]
        skips = [item for item in items if item.get("skipped")]
        skips += [data] if outcome == "skipped" else []
        untold = any(self.unsupported(skip) for skip in skips)
        if untold and outcome in ("ok", "changed", "skipped"):
            outcome = "unsupported"
        shown, digest = self.diffs(data)
        reason = data.get("msg") or data.get("skip_reason") or ""
        for more in ("stderr", "stdout", "module_stderr"):
            if outcome == "failed" and data.get(more):
                reason = text_of(reason) + ": " + text_of(data[more])
        self.say({
            "name": result._task.get_name()[:NAME_MAX],
            "host": result._host.get_name()[:NAME_MAX],
            "outcome": outcome,
            "reason": text_of(reason)[:REASON_MAX],
            "diff": shown,
            "digest": digest,
        })

    def v2_runner_on_ok(self, result):
        self.task(result, "changed" if result._result.get("changed") else "ok")

    def v2_runner_on_skipped(self, result):
        self.task(result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.task(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result):
        self.task(result, "unreachable")
