"""Each worker puts jobs into a tube of its own, reserves and deletes them. Every job comes once and in order."""

import socket

from load import address, expect, run


# A tube with its counts lasts as long as somebody uses it.
links = []


class Link:
    def __init__(self, worker):
        self.socket = socket.create_connection((address, 11300), 60)
        self.file = self.socket.makefile("rb")
        self.ask(f"use work-{worker}", "USING")
        self.ask(f"watch work-{worker}", "WATCHING")
        self.ask("ignore default", "WATCHING")
        links.append(self)

    def ask(self, text, right):
        """The words of the answer after the first one, which has to be the right one."""
        self.socket.sendall(f"{text}\r\n".encode())
        first, *words = self.file.readline().decode().split() or [""]
        if not first:
            raise ConnectionError("the connection has ended")
        expect(first == right, f"{text!r} was answered by {first!r}")
        return words

    def body(self, length):
        return self.file.read(int(length) + 2)[:-2].decode()


def step(link, worker, i):
    text = f"job {i}"
    (number,) = link.ask(f"put 10 0 60 {len(text)}\r\n{text}", "INSERTED")
    came, length = link.ask("reserve-with-timeout 30", "RESERVED")
    body = link.body(length)
    expect((came, body) == (number, text), f"{text} with number {number} was put, {body} with number {came} came")
    link.ask(f"delete {number}", "DELETED")


def finish(counts, errors):
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        link = Link(worker)
        (length,) = link.ask(f"stats-tube work-{worker}", "OK")
        facts = dict(line.split(": ") for line in link.body(length).splitlines() if ": " in line)
        total, ready = int(facts["total-jobs"]), int(facts["current-jobs-ready"])
        expect(count <= total <= count + lost, f"worker {worker} has put {count} jobs, the server counts {total}")
        expect(ready <= lost, f"{ready} jobs are left for worker {worker}")


run(Link, step, finish)
