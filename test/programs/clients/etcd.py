"""Each worker puts a number into a key of its own and reads it back, over etcd's JSON interface."""

import base64
import http.client
import json

from load import address, expect, run


def connect(worker):
    return http.client.HTTPConnection(address, 2379, timeout=60)


def ask(link, what, **fields):
    text = {name: base64.b64encode(value.encode()).decode() for name, value in fields.items()}
    link.request("POST", f"/v3/kv/{what}", json.dumps(text), {"Content-Type": "application/json"})
    answer = link.getresponse()
    body = answer.read()
    expect(answer.status == 200, f"status {answer.status}: {body[:200]}")
    return json.loads(body)


def value_of(link, worker):
    (found,) = ask(link, "range", key=f"count/{worker}")["kvs"]
    return base64.b64decode(found["value"]).decode(), int(found["version"])


def step(link, worker, i):
    ask(link, "put", key=f"count/{worker}", value=str(i))
    value, _ = value_of(link, worker)
    expect(value == str(i), f"put {i}, read {value}")


def finish(counts, errors):
    link = connect(0)
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        _, version = value_of(link, worker)
        expect(count <= version <= count + lost, f"worker {worker} has put {count} values, the server counts {version}")


run(connect, step, finish)
