"""
Each worker counts on a server that keeps objects. Arguments: the port, and `http` or `lines`. A request is a line of words, or the
path of a GET made of them; the answer is a line:
  add W    adds one to the sum of worker W: the new sum
  sum W    the sum of worker W
  check    looks at each object: "whole N" if all N of them are right
  ticks    how often a timer has fired that fires ten times a second
"""

import http.client
import socket
import sys
import time

from load import address, expect, run

port, way = int(sys.argv[2]), sys.argv[3]
sums = {}
whole = set()


class Lines:
    """A connection that has a line for each question and each answer."""

    def __init__(self):
        self.socket = socket.create_connection((address, port), timeout=60)
        self.file = self.socket.makefile("rb")

    def ask(self, text):
        self.socket.sendall(f"{text}\n".encode())
        answer = self.file.readline()
        if not answer.endswith(b"\n"):
            raise ConnectionError("the server has closed the connection")
        return answer.decode().strip()


class Http:
    """A connection of HTTP that is kept open."""

    def __init__(self):
        self.link = http.client.HTTPConnection(address, port, timeout=60)
        self.link.connect()
        # A connection that the server closes is an error, not something to mend.
        self.link.auto_open = 0

    def ask(self, text):
        self.link.request("GET", "/" + text.replace(" ", "/"))
        answer = self.link.getresponse()
        body = answer.read().decode()
        expect(answer.status == 200, f"status {answer.status}: {body[:200]}")
        return body.strip()


def connect(worker):
    sums.pop(worker, None)
    return Http() if way == "http" else Lines()


def step(link, worker, i):
    answer = int(link.ask(f"add {worker}"))
    before = sums.get(worker, answer - 1)
    expect(answer == before + 1, f"the sum is {answer} after {before}")
    sums[worker] = answer
    if i % 100 == 0:
        check(link)


def check(link):
    answer = link.ask("check")
    whole.add(answer)
    expect(answer.startswith("whole ") and len(whole) == 1, f"the objects are {whole}")


def finish(counts, errors):
    link = connect(0)
    check(link)
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        kept = int(link.ask(f"sum {worker}"))
        expect(count <= kept <= count + lost, f"worker {worker} counted to {count}, the server has {kept}")
    before = int(link.ask("ticks"))
    time.sleep(2)
    ticks = int(link.ask("ticks")) - before
    expect(5 <= ticks <= 30, f"{ticks} ticks in two seconds")


run(connect, step, finish)
