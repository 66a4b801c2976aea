"""Each worker counts in a key of its own, and keeps a large value beside it."""

from pymemcache.client.base import Client

from load import address, expect, run


def connect(worker):
    link = Client((address, 11211), timeout=60)
    link.add(f"count:{worker}", "0", noreply=False)
    return link


def step(link, worker, i):
    before = int(link.get(f"count:{worker}"))
    answer = link.incr(f"count:{worker}", 1)
    expect(answer == before + 1, f"incr gave {answer} after {before}")
    value = f"{worker}:{i}:" * 5000
    key = f"value:{worker}:{i % 50}"
    link.set(key, value, noreply=False)
    expect(link.get(key) == value.encode(), f"{key} has another value")


def finish(counts, errors):
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        kept = int(connect(worker).get(f"count:{worker}"))
        expect(count <= kept <= count + lost, f"worker {worker} counted to {count}, the server has {kept}")


run(connect, step, finish)
