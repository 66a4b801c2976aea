"""
Each worker uploads a file and downloads it again over a control connection of its own, half of them so slowly that a move finds them at
it. Arguments: the user and the password.
"""

import ftplib
import io
import random
import sys
import time

from load import address, expect, run


def connect(worker):
    link = ftplib.FTP(address, timeout=60)
    link.login(sys.argv[2], sys.argv[3])
    return link


def step(link, worker, i):
    is_slow = worker % 2 == 1
    data = random.randbytes(4_000_000 if is_slow else 200_000)
    link.storbinary(f"STOR file{worker}", io.BytesIO(data))
    found = []

    def take(part):
        found.append(part)
        if is_slow:
            time.sleep(0.02)

    link.retrbinary(f"RETR file{worker}", take, blocksize=32768)
    expect(b"".join(found) == data, f"file{worker} has another content")
    link.storbinary(f"APPE log{worker}", io.BytesIO(f"{i:9}\n".encode()))


def finish(counts, errors):
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        lines = []
        connect(worker).retrlines(f"RETR log{worker}", lines.append)
        expect(count <= len(set(lines)) == len(lines) <= count + lost, f"{count} steps of {worker}, its log has {len(lines)} lines")


run(connect, step, finish, pause=0.02)
