"""
Puts load on a server until it is told to stop, and counts.

A client gives `run` three functions:
  connect(worker)         -> a connection; called again after each error
  step(link, worker, i)   one exchange, the i-th of its worker, over that connection. It raises Wrong if an answer is wrong; any other
                          exception counts as an error that a user would have seen
  finish(counts, errors)  after the last step: checks what the server has kept. Both have a number for each worker: the steps that were
                          answered, and those that were not, of which the server may have kept some

What it saw stands in /tmp/report as JSON: count (steps answered), errors, last (the last error), wrong (None, or the first wrong
answer). It ends once /tmp/stop exists.
"""

import json
import os
import sys
import threading
import time
import traceback

address = sys.argv[1]
_lock = threading.Lock()
_report = {"count": 0, "errors": 0, "last": None, "wrong": None, "done": False}


class Wrong(Exception):
    """The server gave a wrong answer."""


def expect(is_right, text):
    if not is_right:
        raise Wrong(text)


def _write():
    with open("/tmp/report.new", "w") as file:
        json.dump(_report, file)
    os.rename("/tmp/report.new", "/tmp/report")


def _wrong(text):
    with _lock:
        _report["wrong"] = _report["wrong"] or text


def _stopped():
    return os.path.exists("/tmp/stop") or _report["wrong"]


def _work(connect, step, worker, counts, errors, pause):
    link = None
    attempt = 0
    while not _stopped():
        try:
            if link is None:
                link = connect(worker)
            step(link, worker, attempt)
            counts[worker] += 1
            with _lock:
                _report["count"] += 1
        except Wrong as error:
            _wrong(str(error))
        except Exception as error:
            errors[worker] += 1
            with _lock:
                _report["errors"] += 1
                _report["last"] = f"{type(error).__name__}: {error}"
            link = None
            time.sleep(0.2)
        attempt += 1
        time.sleep(pause)


def run(connect, step, finish=lambda counts, errors: None, workers=4, pause=0.005):
    """pause: seconds between two steps of a worker, so that the load leaves a core for the move."""
    counts, errors = [0] * workers, [0] * workers
    threads = [
        threading.Thread(target=_work, args=(connect, step, worker, counts, errors, pause), daemon=True)
        for worker in range(workers)
    ]
    for thread in threads:
        thread.start()
    while not _stopped():
        _write()
        time.sleep(0.1)
    for thread in threads:
        thread.join(60)
    if any(thread.is_alive() for thread in threads):
        _wrong("a step did not end within a minute")
    if not _report["wrong"]:
        try:
            finish(counts, errors)
        except Exception:
            _wrong(traceback.format_exc(limit=-2))
    _report["done"] = True
    _write()
