"""Answers the requests of clients/counts.py in lines, with a thread for each connection and one that replaces objects."""

import random
import socketserver
import threading
import time

size = 20_000
lock = threading.Lock()
sums = {}
ticks = 0


def text_of(key, version):
    return f"{key}:{version}:" * 20


things = {key: (0, text_of(key, 0)) for key in range(size)}


def replace():
    global ticks
    while True:
        time.sleep(0.1)
        ticks += 1
        for key in random.sample(range(size), 200):
            with lock:
                version = things[key][0] + 1
                things[key] = (version, text_of(key, version))


def answer(what, worker=None):
    with lock:
        if what == "ticks":
            return ticks
        if what == "check":
            found = sum(text == text_of(key, version) for key, (version, text) in things.items())
            return f"whole {found}" if found == size else f"{found} of {size} are whole"
        sums[worker] = sums.get(worker, 0) + (what == "add")
        return sums[worker]


class Serve(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(f"{answer(*line.decode().split())}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


threading.Thread(target=replace, daemon=True).start()
Server(("0.0.0.0", 8080), Serve).serve_forever()
