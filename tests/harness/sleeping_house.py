# SPDX-License-Identifier: Apache-2.0
"""A node and a machine that sleeps beside it, on real parts: magic packet, logicagent over mutual TLS, a real llama-server.

    own_network()                                # sleeper.py, once per process
    with SleepingHouse(boot_s=0.6) as house:     # house.node, house.host, house.sleeper
        house.chat()
"""
import http.client
import json
import sys

from node import Node, wait_for
from sleeper import BROADCAST, MAC, AgentHost, Sleeper

QUICK = ["gateway.grace_ms=300", "gateway.keepalive_ms=200", "gateway.idle_unload_ms=1500", "gateway.idle_sleep_ms=500",
         "gateway.status_ms=500", "actuator.agent_silent_ms=500", "actuator.agent_connect_ms=1000", "actuator.agent_answer_ms=2000",
         "gateway.upstream_connect_ms=1000"]
ASK = {"model": "tiny", "max_tokens": 8, "messages": [{"role": "user", "content": "hello"}]}


def site(host, boot_s=30, min_on_s=0, min_off_s=0, wakes=60, vram_mib=0):
    return """host(tower, "%s", "the stand-in").
host_wake(tower, "%s", "%s", "").
host_limits(tower, %d, %d, %d, %d).
host_sleep(tower, poweroff).
pool(p, tower, cpu, "", %d, "the stand-in's processor").
pool_serves(p, "tiny").
pool_engine(p, %s, 2, 1024, f16).
""" % (host.url, MAC, BROADCAST, boot_s, min_on_s, min_off_s, wakes, vram_mib, host.engine["engine"])


class SleepingHouse:
    """Node, host and sleeper in one `with`."""

    def __init__(self, settings=(), facts=None, engine=None, make_node=Node, **asleep):
        self.settings, self.facts, self.engine, self.asleep = QUICK + list(settings), facts or {}, engine, asleep
        self.make_node = make_node

    def __enter__(self):
        self.node = self.make_node(named=False, settings=self.settings, start=False)
        try:
            self.host = AgentHost(self.node.home, engine=self.engine)
            self.model = self.host.add_model()
            self.node.write_site("pools.pl", site(self.host, **self.facts))
            self.sleeper = Sleeper(self.host, **self.asleep)
            self.node.start()
            wait_for("the table", lambda: self.node.get("/v1/capabilities")[1]["pools"])
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *why):
        if why[0] is not None and hasattr(self, "sleeper") and self.sleeper.agent:
            print("# agent: " + self.sleeper.agent.text()[-3000:].replace("\n", "\n# "))
        if self.node.process:
            self.node.__exit__(*why)
        for part in ("sleeper", "host"):
            if hasattr(self, part):
                getattr(self, part).__exit__()

    def chat(self, **more):
        """Status and answer; (0, error) where the connection was torn after a 200, as held whole answers fail."""
        try:
            return self.node.post("/v1/chat/completions", dict(ASK, **more))
        except http.client.IncompleteRead as torn:
            return 0, json.loads(torn.partial)

    def pool(self):
        return self.node.get("/v1/capabilities")[1]["pools"][0]

    def cases(self, action):
        return [e for e in self.node.entries() if e["kind"] == "case_opened" and e["body"]["action"] == action]

    def stages(self):
        """Seconds of each executed case, from the ledger."""
        found = {}
        for entry in self.node.entries():
            if entry["kind"] == "case_executed":
                found[entry["body"]["action"]] = entry["body"]["result"].get("took_ms", 0) / 1000
        return found
