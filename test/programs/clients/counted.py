"""
Each worker sends numbers over a connection that is kept open. The answer has the number, and how many requests the server has had from
all workers. Argument: the port.
"""

import http.client
import json
import sys

from load import address, expect, run

last = [0] * 5


def connect(worker):
    return http.client.HTTPConnection(address, int(sys.argv[2]), timeout=60)


def step(link, worker, i):
    link.request("GET", f"/?i={i}")
    answer = link.getresponse()
    body = answer.read().decode()
    expect(answer.status == 200, f"status {answer.status}: {body[:200]}")
    said = json.loads(body)
    expect(said["i"] == i, f"{i} was asked, {body} answered")
    expect(said["number"] > last[worker], f"the server had {last[worker]} requests, and now {said['number']}")
    last[worker] = said["number"]


def finish(counts, errors):
    step(connect(4), 4, 0)
    had = last[4] - 1
    expect(sum(counts) <= had <= sum(counts) + sum(errors), f"{sum(counts)} requests were answered, the server had {had}")


run(connect, step, finish)
