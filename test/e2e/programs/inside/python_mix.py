"""Threads, mmap, inotify, epoll, signals and a pool of processes, set up once and used in every round, which prints a number."""
import ctypes
import mmap
import multiprocessing
import os
import queue
import select
import signal
import socket
import struct
import sys
import threading
import time

FILE_BYTES = 1 << 20
WAIT_SECONDS = 60


def expect(condition, what):
    if not condition:
        print(f"WRONG: {what}", flush=True)
        os._exit(1)


class Watch:
    """An inotify watch on a folder, waited for by epoll together with a socket pair."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        libc = ctypes.CDLL(None, use_errno=True)
        self.inotify = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        expect(libc.inotify_add_watch(self.inotify, folder.encode(), 0x100) >= 0, "no inotify watch")  # IN_CREATE
        self.near, self.far = socket.socketpair()
        self.epoll = select.epoll()
        self.epoll.register(self.inotify, select.EPOLLIN)
        self.epoll.register(self.near, select.EPOLLIN)

    def check(self, number):
        name = f"file-{number}"
        open(os.path.join(self.folder, name), "w").close()
        expect(self.epoll.poll(WAIT_SECONDS, 1)[0][0] == self.inotify, "epoll does not tell of inotify")
        data = os.read(self.inotify, 4096)
        length = struct.unpack_from("iIII", data)[3]
        expect(data[16 : 16 + length].rstrip(b"\0") == name.encode(), f"inotify tells of {data!r}")
        expect(len(data) == 16 + length, "inotify tells of it twice")
        os.unlink(os.path.join(self.folder, name))
        self.far.send(name.encode())
        expect(self.epoll.poll(WAIT_SECONDS, 1)[0][0] == self.near.fileno(), "epoll does not tell of the socket")
        expect(self.near.recv(100) == name.encode(), "the socket pair lost a message")


class Mapped:
    """One file mapped twice: what is written through one mapping is seen through the other and in the file."""

    def __init__(self):
        self.file = os.open("/tmp/mapped", os.O_RDWR | os.O_CREAT)
        os.ftruncate(self.file, FILE_BYTES)
        self.one, self.two = mmap.mmap(self.file, FILE_BYTES), mmap.mmap(self.file, FILE_BYTES)
        self.shared = mmap.mmap(-1, FILE_BYTES)

    def check(self, number):
        place = number * 4099 % (FILE_BYTES - 8)
        self.one[place : place + 8] = struct.pack("q", number)
        expect(self.two[place : place + 8] == struct.pack("q", number), "the second mapping differs")
        expect(os.pread(self.file, 8, place) == struct.pack("q", number), "the file differs from its mapping")
        self.shared[0:8] = struct.pack("q", number)


class Workers:
    """Threads that wait at a queue with a lock between them; one more ticks all the time."""

    def __init__(self):
        self.asked, self.answered = queue.Queue(), queue.Queue()
        self.lock, self.total = threading.Lock(), 0
        for _ in range(8):
            threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            number = self.asked.get()
            with self.lock:
                self.total += 1
            self.answered.put(number * number)

    def check(self, number):
        before = self.total
        for i in range(16):
            self.asked.put(number + i)
        answers = sorted(self.answered.get(timeout=WAIT_SECONDS) for _ in range(16))
        expect(answers == [(number + i) ** 2 for i in range(16)], f"the threads answered {answers}")
        expect(self.total == before + 16, "the threads counted wrong")


class Signals:
    """An interval timer, and a signal sent to itself with others blocked."""

    def __init__(self):
        self.alarms = self.users = 0
        signal.signal(signal.SIGALRM, lambda *_: setattr(self, "alarms", self.alarms + 1))
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "users", self.users + 1))
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
        os.kill(os.getpid(), signal.SIGUSR2)

    def check(self, _):
        users, alarms = self.users, self.alarms
        os.kill(os.getpid(), signal.SIGUSR1)
        expect(self.users == users + 1, "a signal to itself did not come")
        expect(signal.SIGUSR2 in signal.sigpending(), "the pending signal is lost")
        end = time.monotonic() + WAIT_SECONDS
        while self.alarms == alarms and time.monotonic() < end:
            time.sleep(0.01)
        expect(self.alarms > alarms, "the interval timer stands still")


def square(number):
    return os.getpid(), number * number


def main():
    # Threads and processes inherit which signals are blocked.
    signals = Signals()
    pool = multiprocessing.Pool(4)
    parts = [Watch("/dev/shm/watched"), Watch("/srv/some where/wätched"), Mapped(), Workers(), signals]
    children = {child.pid for child in multiprocessing.active_children()}
    number = 0
    while True:
        for part in parts:
            part.check(number)
        answers = pool.map_async(square, range(number, number + 40), chunksize=1).get(WAIT_SECONDS)
        expect([value for _, value in answers] == [i * i for i in range(number, number + 40)], "the pool is wrong")
        expect({pid for pid, _ in answers} <= children, "a process of the pool was replaced")
        print(number, flush=True)
        number += 1
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
