# SPDX-License-Identifier: Apache-2.0
"""A machine that sleeps (tests/harness/sleeper.py) is woken by real magic packets, kept awake by reasons, and put to sleep.

Everything happens in a network namespace of its own; jobs are run by host_drive, as the actuator runs them.
"""
import json
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import sleeper  # noqa: E402
from host_jobs import Drive, Home, good, refused  # noqa: E402
from node import Skip, Tap, equal, wait_for  # noqa: E402
from sleeper import BROADCAST, MAC, AgentHost, Sleeper, magic_packet, own_network  # noqa: E402

tap = Tap()


class House:
    """A sleeping host on a wire."""

    def __init__(self, **more):
        self.more = more

    def __enter__(self):
        self.holder = Home()
        self.home = self.holder.__enter__()
        self.host = AgentHost(self.home)
        self.tower = Sleeper(self.host, **self.more)
        return self

    def __exit__(self, *_):
        self.tower.__exit__()
        self.host.__exit__()
        self.holder.__exit__()

    def wake(self, **more):
        return self.host.job("host wake", **{"mac": MAC, "broadcast": BROADCAST, "secure_on": "", "limit_s": 60, **more})

    def sleep(self, how="poweroff", **more):
        return self.host.job("host sleep", how=how, limit_s=60, **more)


@tap.test
def host_is_woken_by_a_magic_packet_and_powered_off_again():
    with House(boot_s=2.5) as at:
        asleep = good(at.home, at.host.job("host status"))["result"]
        equal((asleep["reachable"], asleep["status"]), (False, None))
        woken = good(at.home, at.wake())
        equal((woken["stages"][0], woken["stages"][-2:]), ("waking", ["agent_up", "driver_ready"]))
        equal(woken["result"]["status"]["host"], "tower")
        packets = at.tower.packets
        assert len(packets) >= 6 and all(packet["right"] for packet in packets), packets  # three at once, again each second
        equal({packet["to"] for packet in packets}, {"ff:ff:ff:ff:ff:ff"})
        equal(packets[0]["payload"], magic_packet(MAC))
        gaps = [b["at"] - a["at"] for a, b in zip(packets[0::3], packets[3::3])]
        assert all(0.5 < gap < 3 for gap in gaps), gaps
        off = good(at.home, at.sleep())
        equal((off["stages"], off["result"]["how"]), (["sleeping", "asleep"], "poweroff"))
        at.tower.wait("off")
        again = good(at.home, at.sleep(), outcome=True)  # what became of it?
        equal(again["changed"], "yes")
        print("# woken in %d ms by %d packets, off in %d ms" % (
            woken["result"]["took_ms"], woken["result"]["packets"], off["result"]["took_ms"]))


@tap.test
def suspended_host_wakes_with_what_it_was():
    with House(on=True) as at:
        boot = good(at.home, at.host.job("host status"))["result"]["status"]["boot_id"]
        off = good(at.home, at.sleep("suspend"))
        equal(off["result"]["how"], "suspend")
        at.tower.wait("suspended")
        woken = good(at.home, at.wake())
        equal(woken["result"]["status"]["boot_id"], boot)


@tap.test
def host_with_a_pool_or_a_reason_stays_awake():
    with House(on=True) as at:
        model = at.host.add_model()
        good(at.home, at.host.load(model))
        refused(at.home, at.sleep(), "pool_not_empty")
        good(at.home, at.host.job("pool unload", pool="p", limit_s=30))
        reason = os.path.join(at.host.folder, "inhibit.d/backup")
        with open(reason, "w") as f:
            f.write("copying pictures\n")
        status = good(at.home, at.host.job("host status"))["result"]["status"]
        equal(status["inhibitors"], [{"kind": "transfer", "words": "backup: copying pictures"}])
        answer = refused(at.home, at.sleep(), "inhibited")
        assert "copying pictures" in answer["error"]["message"], answer
        os.unlink(reason)
        good(at.home, at.sleep())


@tap.test
def secure_on_is_six_more_bytes_from_a_secret():
    password = "01:02:03:04:05:fe"
    with House(secure_on=password) as at:
        os.makedirs(at.home + "/secrets/wake", mode=0o700)
        for text, code in (("not a password", "bad_secret"), (password, None)):
            with open(at.home + "/secrets/wake/tower", "w") as f:
                f.write(text)
            os.chmod(f.name, 0o600)
            job = at.wake(secure_on="secret:wake/tower")
            if code:
                answer = refused(at.home, job, code)
                assert text not in json.dumps(answer), answer
            else:
                good(at.home, job)
        equal(at.tower.packets[0]["payload"], magic_packet(MAC, password))
        equal(len(at.tower.packets[0]["payload"]), 108)


@tap.test
def packet_goes_out_on_every_interface_where_no_broadcast_is_named():
    with House() as at:
        sleeper.run("ip", "link", "add", "other0", "type", "veth", "peer", "name", "other1")
        try:
            sleeper.run("ip", "address", "add", "10.78.0.1/24", "broadcast", "10.78.0.255", "dev", "other0")
            sleeper.run("ip", "link", "set", "other0", "up")
            sleeper.run("ip", "link", "set", "other1", "up")
            card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(sleeper.ETH_P_ALL))
            card.bind(("other1", 0))
            card.settimeout(10)
            good(at.home, at.wake(broadcast=""))
            while (payload := Sleeper.payload(card.recv(65536))) is None:
                pass
            equal(payload, magic_packet(MAC))
            assert at.tower.right_packets()
            card.close()
        finally:
            sleeper.run("ip", "link", "delete", "other0")


@tap.test
def host_that_never_wakes_is_an_error_with_the_count():
    with House(wakes=False) as at:
        answer = refused(at.home, at.wake(limit_s=3), "not_awake", changed="unknown")
        assert "'tower' did not answer within 3 s" in answer["error"]["message"], answer
        assert len(at.tower.right_packets()) >= 6


@tap.test
def wake_where_there_is_no_way_to_send_says_so_at_once():
    with House() as at:
        answer = refused(at.home, at.wake(broadcast="198.51.100.255"), "not_sent")
        assert "unreachable" in answer["error"]["message"].lower(), answer


@tap.test
def host_that_wakes_without_its_driver_loads_nothing():
    with House() as at:
        at.host.write_config(at.host.config | {"settings": at.host.config["settings"] | {"gpus_min": 1, "driver_wait_ms": 500}})
        model = at.host.add_model()
        woken = good(at.home, at.wake())
        equal(woken["stages"][-1], "agent_up")
        equal(woken["result"]["status"]["driver"]["ready"], False)
        job = at.host.load(model) | {"kind": "cuda", "mask": "0"}
        refused(at.home, job, "driver_not_ready")


@tap.test
def wake_that_is_stopped_ends_soon():
    with House(wakes=False) as at:
        waking = Drive(at.home, at.wake(limit_s=600))
        wait_for("a packet", at.tower.right_packets)
        waking.process.terminate()
        equal(waking.end(20)["error"]["code"], "stopped")


@tap.test
def host_whose_plug_is_pulled_amid_a_load_is_noticed():
    with House(on=True) as at:
        model = at.host.add_model()
        load = Drive(at.home, at.host.load(model))
        wait_for("an engine", lambda: at.tower.agent.engines())
        at.tower.plug_off()
        answer = load.end(120)
        equal((answer["ok"], answer["changed"]), (False, "unknown"))
        good(at.home, at.wake())
        equal(good(at.home, at.host.job("host status"))["result"]["status"]["pools"], [])


if __name__ == "__main__":
    try:
        own_network()
    except Skip as why:
        print("1..0 # SKIP %s" % why)
        sys.exit(0)
    tap.run()
