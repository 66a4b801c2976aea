"""
Each worker asks for addresses, over UDP and over a TCP connection that is kept open. Where a UDP answer does not come it asks again, as
resolvers do.
"""

import socket
import struct

from load import address, expect, run


def question(number, i):
    name = b"".join(bytes([len(part)]) + part for part in (b"host%d" % i, b"example", b"org", b""))
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)


def check(answer, asked, i):
    _, flags, _, count, _, _ = struct.unpack(">6H", answer[:12])
    expect(flags & 0xF == 0 and count == 1, f"host{i}: status {flags & 0xF}, {count} answers")
    # The answer's name, type, class, time and length take 12 bytes.
    found = socket.inet_ntoa(answer[len(asked) + 12 : len(asked) + 16])
    expect(found == f"10.1.0.{i}", f"host{i} has the address {found}")


class Link:
    def __init__(self, worker):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.connect((address, 53))
        self.udp.settimeout(1)
        self.tcp = socket.create_connection((address, 53), 60)
        self.file = self.tcp.makefile("rb")

    def by_udp(self, asked):
        for _ in range(20):
            self.udp.send(asked)
            try:
                while (answer := self.udp.recv(4096))[:2] != asked[:2]:
                    pass
                return answer
            except TimeoutError:
                pass
        raise TimeoutError("no answer over UDP")

    def by_tcp(self, asked):
        self.tcp.sendall(struct.pack(">H", len(asked)) + asked)
        length = self.file.read(2)
        if len(length) < 2:
            raise ConnectionError("the connection has ended")
        answer = self.file.read(struct.unpack(">H", length)[0])
        expect(answer[:2] == asked[:2], "an answer to another question")
        return answer


def step(link, worker, i):
    host = i % 200 + 1
    asked = question(i % 65536, host)
    check(link.by_tcp(asked), asked, host)
    check(link.by_udp(asked), asked, host)


run(Link, step)
