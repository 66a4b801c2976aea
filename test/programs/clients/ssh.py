"""
Each worker keeps a session open, with a shell on a terminal that counts, and at times runs a command beside it. Arguments: the user
and the password.
"""

import hashlib
import os
import re
import sys

import paramiko

from load import address, expect, run


class Session:
    """A session whose shell has a variable n."""

    def __init__(self):
        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        self.client.connect(address, username=sys.argv[2], password=sys.argv[3], timeout=30, look_for_keys=False, allow_agent=False)
        self.shell = self.client.invoke_shell(width=200)
        self.shell.settimeout(60)
        self.text = b""
        self.shell.sendall(b"n=0\n")
        self.n, self.pid = self.add()

    def add(self):
        """Has the shell add one to n. Returns n and the number of the shell's process."""
        self.shell.sendall(b'n=$((n + 1)); echo "<$n:$$>"\n')
        while not (found := re.search(rb"<(\d+):(\d+)>", self.text)):
            part = self.shell.recv(65536)
            if not part:
                raise ConnectionError("the session has ended")
            self.text += part
        self.text = self.text[found.end() :]
        return int(found[1]), int(found[2])


def connect(worker):
    return Session()


def step(link, worker, i):
    n, pid = link.add()
    expect((n, pid) == (link.n + 1, link.pid), f"shell {pid} counts {n}, after {link.n} of shell {link.pid}")
    link.n = n
    if i % 50 == 0:
        data = os.urandom(100_000)
        stdin, stdout, _ = link.client.exec_command("sha256sum", timeout=60)
        stdin.write(data)
        stdin.channel.shutdown_write()
        answer = stdout.read().decode().split()[0]
        expect(answer == hashlib.sha256(data).hexdigest(), f"another checksum: {answer}")


run(connect, step)
