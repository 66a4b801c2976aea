"""Each worker writes lines to a child of supervisord, a `cat`, and reads them back in the child's log, over supervisord's XML-RPC."""

import http.client
import time
import xmlrpc.client

from load import address, expect, run


class Kept(xmlrpc.client.Transport):
    """A connection that is kept. That it is lost is an error: nothing is asked again."""

    def make_connection(self, host):
        if not self._connection[1]:
            link = http.client.HTTPConnection(host, timeout=60)
            link.connect()
            link.auto_open = 0
            self._connection = host, link
        return self._connection[1]

    def request(self, *args, **kwargs):
        return self.single_request(*args, **kwargs)


class Child:
    def __init__(self, worker):
        self.name = f"cat{worker}"
        self.ask = xmlrpc.client.ServerProxy(f"http://{address}:9001/RPC2", Kept()).supervisor
        self.pid = self.info()["pid"]
        self.offset = len(self.log(0))

    def info(self):
        return self.ask.getProcessInfo(self.name)

    def log(self, offset):
        return self.ask.readProcessStdoutLog(self.name, offset, 0)


def connect(worker):
    return Child(worker)


def step(child, worker, i):
    line = f"{worker}:{i}\n"
    child.ask.sendProcessStdin(child.name, line)
    end = time.monotonic() + 30
    while not (found := child.log(child.offset)).endswith("\n"):
        expect(time.monotonic() < end, f"{child.name} has not written {line!r}")
        time.sleep(0.01)
    expect(found == line, f"{child.name} has written {found!r} after {line!r}")
    child.offset += len(found)
    if i % 20 == 0:
        info = child.info()
        expect((info["statename"], info["pid"]) == ("RUNNING", child.pid), f"{child.name} is {info}, it was process {child.pid}")


def finish(counts, errors):
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        lines = Child(worker).log(0).splitlines()
        expect(count <= len(set(lines)) == len(lines) <= count + lost, f"{count} lines of {worker}, the log has {len(lines)}")


run(connect, step, finish)
