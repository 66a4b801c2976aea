"""
GET by TLS, over connections that are kept open; any certificate will do. Arguments: the port, a path, and the text that each answer has
to contain. In the path, {i} is the number of the request; in the text, too.
"""

import http.client
import ssl
import sys

from load import address, expect, run

port, path, text = int(sys.argv[2]), sys.argv[3], sys.argv[4]
anybody = ssl._create_unverified_context()


def connect(worker):
    return http.client.HTTPSConnection(address, port, timeout=60, context=anybody)


def step(link, worker, i):
    link.request("GET", path.replace("{i}", str(i)))
    answer = link.getresponse()
    body = answer.read().decode("utf-8", "replace")
    expect(answer.status == 200, f"status {answer.status}: {body[:200]}")
    expect(text.replace("{i}", str(i)) in body, f"the answer lacks {text!r}: {body[:200]!r}")


run(connect, step)
