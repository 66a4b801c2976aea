"""Each worker asks for jobs over one connection, and does them over another one. Every job is done once, and its result comes back."""

import socket
import struct

from load import address, expect, run

can_do, submit, created, grab, assigned, complete = 1, 7, 8, 9, 11, 13


class Connection:
    def __init__(self):
        self.socket = socket.create_connection((address, 4730), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, kind, *parts):
        body = b"\0".join(part.encode() for part in parts)
        self.socket.sendall(b"\0REQ" + struct.pack(">II", kind, len(body)) + body)

    def receive(self, right):
        """The parts of the next packet, which has to be of the right kind."""
        head = self.file.read(12)
        if len(head) < 12:
            raise ConnectionError("the connection has ended")
        kind, length = struct.unpack(">4xII", head)
        body = self.file.read(length)
        expect(kind == right, f"a packet of the kind {kind} came, not of {right}: {body}")
        return body.decode().split("\0")


def connect(worker):
    asks, does = Connection(), Connection()
    does.send(can_do, f"double-{worker}")
    return asks, does


def step(link, worker, i):
    asks, does = link
    asks.send(submit, f"double-{worker}", "", str(i))
    (handle,) = asks.receive(created)
    does.send(grab)
    given, name, text = does.receive(assigned)
    expect((given, name, text) == (handle, f"double-{worker}", str(i)), f"job {handle} with {i} was asked for, {given} with {text} came")
    does.send(complete, handle, str(int(text) * 2))
    done, result = asks.receive(complete)
    expect((done, result) == (handle, str(i * 2)), f"the result of {handle} is {i * 2}, {result} of {done} came")


def finish(counts, errors):
    link = Connection()
    link.socket.sendall(b"status\n")
    for line in iter(link.file.readline, b".\n"):
        name, total, running, _ = line.decode().split("\t")
        expect(int(total) <= sum(errors) and int(running) <= sum(errors), f"{total} jobs of {name} are left, {running} run")


run(connect, step, finish)
