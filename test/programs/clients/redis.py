"""Each worker counts up in a key of its own, and reads each number back."""

import redis

from load import address, expect, run


def connect(worker):
    return redis.Redis(address, retry=None, socket_timeout=60)


def step(link, worker, i):
    answer = link.incr(f"count:{worker}")
    expect(answer == int(link.get(f"count:{worker}")), f"INCR gave {answer}, GET another number")


def finish(counts, errors):
    link = connect(0)
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        kept = int(link.get(f"count:{worker}"))
        expect(count <= kept <= count + lost, f"worker {worker} counted to {count}, the server has {kept}")


run(connect, step, finish)
