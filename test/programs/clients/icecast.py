"""
The first worker sends a stream of numbered lines, the others listen: each line comes once and in order. Argument: the password of
sources.
"""

import base64
import http.client
import itertools
import socket
import sys
import time

from load import address, expect, run

lines = 128
numbers = itertools.count()


def line(number):
    return b"%015d\n" % number


class Source:
    def __init__(self):
        login = base64.b64encode(f"source:{sys.argv[2]}".encode()).decode()
        self.socket = socket.create_connection((address, 8000), 60)
        self.socket.sendall(
            f"PUT /numbers HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {login}\r\n"
            "Content-Type: audio/mpeg\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        said = self.socket.recv(4096)
        if b" 100 " not in said:
            raise OSError(f"the stream may not begin: {said}")

    def go_on(self):
        self.socket.sendall(b"".join(line(next(numbers)) for _ in range(lines)))


class Listener:
    def __init__(self):
        self.stream = self.open()
        self.stream.readline()
        self.next = int(self.stream.readline()) + 1

    def open(self):
        for _ in range(30):
            link = http.client.HTTPConnection(address, 8000, timeout=60)
            link.request("GET", "/numbers")
            answer = link.getresponse()
            if answer.status == 200:
                return answer
            time.sleep(1)
        raise OSError(f"there is no stream: {answer.status}")

    def go_on(self):
        came = self.stream.read(lines * len(line(0)))
        if not came:
            raise ConnectionError("the stream has ended")
        right = b"".join(line(self.next + n) for n in range(lines))
        expect(came == right, f"line {self.next} and those after it are not there: {came[:64]}")
        self.next += lines


def connect(worker):
    return Listener() if worker else Source()


def step(link, worker, i):
    link.go_on()


run(connect, step, pause=0.02)
