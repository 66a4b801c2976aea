"""Each worker changes a node of its own and reads it back. Its session, with a node that lasts as long as the session, stays."""

from kazoo.client import KazooClient

from load import address, expect, run


class Link:
    def __init__(self, worker):
        self.path, self.session = f"/count{worker}", f"/session{worker}"
        self.lost = None
        self.client = KazooClient(f"{address}:2181", timeout=30)
        self.client.start(60)
        self.client.ensure_path(self.path)
        if self.client.exists(self.session):
            self.client.delete(self.session)
        self.client.create(self.session, ephemeral=True)
        self.client.add_listener(self.changed)

    def changed(self, state):
        self.lost = self.lost or state


def step(link, worker, i):
    if link.lost:
        raise ConnectionError(f"the session is {link.lost}")
    link.client.set(link.path, str(i).encode())
    value, _ = link.client.get(link.path)
    expect(value == str(i).encode(), f"set {i}, got {value}")
    if i % 20 == 0:
        kept = link.client.exists(link.session)
        expect(kept and kept.ephemeralOwner == link.client.client_id[0], "the node of the session is gone")


def finish(counts, errors):
    client = Link(len(counts)).client
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        _, kept = client.get(f"/count{worker}")
        expect(count <= kept.version <= count + lost, f"worker {worker} has set {count} values, the server counts {kept.version}")


run(Link, step, finish)
