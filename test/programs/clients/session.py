"""
Each worker has a session: it shows its cookie over a connection that is kept open, and the answer is the number of requests in this
session. Arguments: the port and the path.
"""

import http.client
import sys

from load import address, expect, run

port, path = int(sys.argv[2]), sys.argv[3]


class Session:
    cookie = ""
    last = 0
    """Requests since the last answer, of which the server may have counted all."""
    asked = 0


sessions = [Session() for _ in range(4)]


def connect(worker):
    return http.client.HTTPConnection(address, port, timeout=60)


def step(link, worker, i):
    session = sessions[worker]
    session.asked += 1
    link.request("GET", path, headers={"Cookie": session.cookie} if session.cookie else {})
    answer = link.getresponse()
    body = answer.read().decode()
    expect(answer.status == 200, f"status {answer.status}: {body[:200]}")
    expect(body.strip().isdigit(), f"no number: {body[:200]}")
    count = int(body)
    expect(session.last < count <= session.last + session.asked, f"after {session.last} requests the session counts {count}")
    session.last, session.asked = count, 0
    new = answer.getheader("Set-Cookie")
    if new:
        session.cookie = new.split(";")[0]


run(connect, step)
