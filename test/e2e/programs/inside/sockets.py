"""Has sockets of many kinds open, uses each of them in every round, and prints the number of the round when all of them worked."""
import errno
import itertools
import os
import select
import socket
import struct
import time

LOOPBACK = "127.0.0.1"
PATIENCE = 0.3  # seconds; a datagram on its way may be lost in a move, as anywhere


def tcp_pair():
    """A connection of this program to itself."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        one = socket.create_connection(listening.getsockname())
        other, _ = listening.accept()
    return one, other


class Queued:
    """A message more is always on its way than has been read."""

    def __init__(self, pair):
        self.one, self.other = pair
        self.other.settimeout(30)
        self.one.sendall(b"%8d" % 0)

    def use(self, number):
        self.one.sendall(b"%8d" % (number + 1))
        read = b""
        while len(read) < 8:
            read += self.other.recv(8 - len(read))
        assert int(read) == number, read


class Descriptors:
    """An open file is always on its way through a socket."""

    def __init__(self):
        self.one, self.other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.send(0)

    def send(self, number):
        pipe_out, pipe_in = os.pipe()
        os.write(pipe_in, b"%d" % number)
        socket.send_fds(self.one, [b"x"], [pipe_out])
        os.close(pipe_in)
        os.close(pipe_out)

    def use(self, number):
        _, [received], _, _ = socket.recv_fds(self.other, 1, 1)
        assert int(os.read(received, 100)) == number
        os.close(received)
        self.send(number + 1)


class Abstract:
    """A unix socket without a file, that is connected to anew in each round."""

    def __init__(self):
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind("\0sockets")
        self.listening.listen()

    def use(self, number):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect("\0sockets")
            answering, _ = self.listening.accept()
            with answering:
                answering.sendall(b"%d" % number)
            assert int(asking.recv(100)) == number


class Backlog:
    """A connection that nobody has accepted is always there; a move may end it, also while it is made."""

    def __init__(self):
        self.listening = socket.create_server((LOOPBACK, 0))
        self.listening.setblocking(False)
        self.connect(0)

    def connect(self, number):
        self.waiting = socket.create_connection(self.listening.getsockname())
        try:
            self.waiting.sendall(b"%d" % number)
        except ConnectionError:
            self.waiting.close()

    def use(self, number):
        try:
            accepted, _ = self.listening.accept()
            with accepted:
                accepted.settimeout(30)
                received = accepted.recv(100)
                has_ended = self.waiting.fileno() < 0
                assert received == b"%d" % number or (has_ended and not received), received
        except BlockingIOError:
            pass
        self.waiting.close()
        self.connect(number + 1)


class Connecting:
    """A connection is always waited for that is not made: nobody accepts the one before it. A move may reset it, and says so."""

    def __init__(self):
        self.listening = socket.create_server((LOOPBACK, 0), backlog=0)
        self.first = socket.create_connection(self.listening.getsockname())
        self.second = socket.socket()
        self.second.setblocking(False)
        assert self.second.connect_ex(self.listening.getsockname()) == errno.EINPROGRESS
        self.ready = select.poll()
        self.ready.register(self.second, select.POLLOUT)

    def use(self, number):
        if not self.ready.poll(0):
            return
        told = self.second.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        assert told in (0, errno.ECONNRESET, errno.ETIMEDOUT), told
        if told == 0:
            self.second.getpeername()
        for each in (self.listening, self.first, self.second):
            each.close()
        self.__init__()


def repeat(send, answer):
    """Sends again until the answer comes."""
    for _ in range(100):
        send()
        try:
            while not answer():
                pass
            return
        except TimeoutError:
            pass
    raise AssertionError("no answer")


class Udp:
    def __init__(self):
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind((LOOPBACK, 0))
        self.server.settimeout(PATIENCE)
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.connect(self.server.getsockname())

    def use(self, number):
        message = b"%d" % number
        repeat(lambda: self.client.send(message), lambda: self.server.recv(100) == message)


class Echo:
    """ICMP echo of the kernel's own, by a raw socket and by one that needs no privilege."""

    def __init__(self, kind, header):
        self.socket = socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
        self.socket.settimeout(PATIENCE)
        self.header = header

    def use(self, number):
        def checksum(packet):
            total = sum(struct.unpack("!%dH" % (len(packet) // 2), packet))
            total = (total >> 16) + (total & 0xFFFF)
            return ~(total + (total >> 16)) & 0xFFFF

        sequence = number & 0xFFFF
        packet = struct.pack("!BBHHH", 8, 0, 0, 77, sequence)
        packet = struct.pack("!BBHHH", 8, 0, checksum(packet), 77, sequence)

        def answered():
            kind, _, _, _, got = struct.unpack_from("!BBHHH", self.socket.recv(1000), self.header)
            return kind == 0 and got == sequence

        repeat(lambda: self.socket.sendto(packet, (LOOPBACK, 0)), answered)


class Packets:
    """Sees what crosses the loopback, which the others use in every round."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind(("lo", 0))
        self.socket.settimeout(30)

    def use(self, number):
        self.socket.recv(65536)


class Netlink:
    """Only open: CRIU refuses one with an answer that has not been read."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.bind((4242, 0))

    def use(self, number):
        assert self.socket.getsockname()[0] == 4242


def pair(kind):
    return Queued(socket.socketpair(socket.AF_UNIX, kind))


all_of_them = [
    Queued(tcp_pair()),
    pair(socket.SOCK_STREAM),
    pair(socket.SOCK_DGRAM),
    pair(socket.SOCK_SEQPACKET),
    Descriptors(),
    Abstract(),
    Backlog(),
    Connecting(),
    Udp(),
    Echo(socket.SOCK_RAW, 20),
    Echo(socket.SOCK_DGRAM, 0),
    Packets(),
    Netlink(),
]
for round_number in itertools.count():
    for each in all_of_them:
        each.use(round_number)
    print(round_number, flush=True)
    time.sleep(0.05)
