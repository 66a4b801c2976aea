"""
Each worker publishes to a subject of its own, which a stream of JetStream keeps, and receives from it. The server numbers what it keeps:
nothing is lost or kept twice.
"""

import json
import socket

from load import address, expect, run


class Link:
    def __init__(self, worker):
        self.subject = f"work.{worker}"
        self.stream = f"WORK{worker}"
        self.socket = socket.create_connection((address, 4222), 60)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.send('CONNECT {"verbose":false,"pedantic":false}', f"SUB {self.subject} 1", f"SUB {self.inbox} 2")
        self.ask(f"$JS.API.STREAM.CREATE.{self.stream}", json.dumps({"name": self.stream, "subjects": [self.subject]}))

    @property
    def inbox(self):
        return f"answers.{self.subject}"

    def send(self, *lines):
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def receive(self):
        """The next message: the number of its subscription, and its text."""
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError("the connection has ended")
            what, *words = line.decode().split()
            if what == "MSG":
                text = self.file.read(int(words[-1]) + 2)[:-2].decode()
                return words[1], text
            if what == "PING":
                self.send("PONG")
            elif what == "-ERR":
                raise OSError(line.decode())

    def publish(self, subject, text):
        self.send(f"PUB {subject} {self.inbox} {len(text)}", text)

    def ask(self, subject, text=""):
        self.publish(subject, text)
        number, answer = self.receive()
        expect(number == "2", f"no answer, but {answer}")
        return json.loads(answer)


def connect(worker):
    link = Link(worker)
    link.last = link.ask(f"$JS.API.STREAM.INFO.{link.stream}")["state"]["last_seq"]
    return link


def step(link, worker, i):
    link.publish(link.subject, str(i))
    # The message itself, and the receipt of the stream, in the order that the server likes.
    came = dict(link.receive() for _ in range(2))
    expect(came.get("1") == str(i), f"message {i} was sent, {came} came")
    receipt = json.loads(came["2"])
    link.last += 1
    expect(receipt.get("seq") == link.last, f"message {link.last} of the stream was sent, the receipt is {receipt}")


def finish(counts, errors):
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        link = connect(worker)
        kept = link.ask(f"$JS.API.STREAM.INFO.{link.stream}")["state"]["messages"]
        expect(count <= kept <= count + lost, f"worker {worker} has sent {count} messages, the stream has {kept}")


run(connect, step, finish)
