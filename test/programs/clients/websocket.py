"""Each worker sends numbers over a WebSocket; the answer is the sum of all that it has sent. Arguments: the port and the path."""

import sys

from websockets.sync.client import connect as open_socket

from load import address, expect, run


class Link:
    def __init__(self, worker):
        self.socket = open_socket(f"ws://{address}:{sys.argv[2]}{sys.argv[3]}", open_timeout=60)
        self.total = 0


def step(link, worker, i):
    link.total += i
    link.socket.send(str(i))
    came = link.socket.recv(timeout=60)
    expect(came == str(link.total), f"the sum is {link.total}, {came} came")


run(Link, step)
