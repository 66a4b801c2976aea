"""Each worker has a page of its own in Chromium, with timers, and has it count over the browser's debugging port."""

import json
import time
import urllib.request

import websocket

from load import address, expect, run

script = """
globalThis.n = 0; globalThis.ticks = 0; globalThis.things = new Map();
setInterval(() => { ticks++; for (let i = 0; i < 200; i++) things.set(i, `${i}:`.repeat(100)); }, 100);
document.body.innerHTML = '<p id="n">0</p>';
"""


class Page:
    def __init__(self):
        request = urllib.request.Request(f"http://{address}:9222/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        self.link = websocket.create_connection(f"ws://{address}:9222/devtools/page/{found['id']}", timeout=60)
        self.asked = 0
        self.run(script)
        self.n = 0

    def run(self, text):
        self.asked += 1
        question = {"id": self.asked, "method": "Runtime.evaluate", "params": {"expression": text, "returnByValue": True}}
        self.link.send(json.dumps(question))
        answer = json.loads(self.link.recv())
        expect(answer.get("id") == self.asked, f"answer {answer} to question {self.asked}")
        return answer["result"]["result"].get("value")


def connect(worker):
    return Page()


def step(page, worker, i):
    shown = page.run("document.getElementById('n').textContent = ++n; document.getElementById('n').innerText")
    expect(shown == str(page.n + 1), f"the page shows {shown} after {page.n}")
    page.n += 1
    if i % 100 == 0:
        is_whole = page.run("[...things].every(([i, text]) => text === `${i}:`.repeat(100))")
        expect(is_whole is True, "the objects of the page are wrong")
        before = page.run("ticks")
        time.sleep(0.5)
        expect(page.run("ticks") > before, "the timer of the page stands")


run(connect, step)
