"""Each worker sends messages to its own address through the server. Every message comes once and in order. Argument: the host."""

import re
import socket
import sys

from load import address, expect, run

host = sys.argv[2]


class Link:
    def __init__(self, worker):
        self.socket = socket.create_connection((address, 5222), 60)
        self.text = ""
        self.open()
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
        self.until("(<success[^>]*>)")
        self.open()
        self.send("<iq id='bind' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        self.own = self.until("<jid>([^<]*)</jid>.*</iq>")
        self.send("<presence/>")

    def open(self):
        self.send(f"<stream:stream to='{host}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
        self.until("(</stream:features>)")

    def send(self, text):
        self.socket.sendall(text.encode())

    def until(self, pattern):
        """Receives until the pattern has come, and gives its group."""
        while not (found := re.search(pattern, self.text)):
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the connection has ended")
            self.text += more.decode()
        self.text = self.text[found.end() :]
        return found[1]


def step(link, worker, i):
    link.send(f"<message to='{link.own}' type='chat'><body>{i}</body></message>")
    came = link.until("<body>([^<]*)</body></message>")
    expect(came == str(i), f"message {i} was sent, {came} came")


run(Link, step)
