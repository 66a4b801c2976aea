"""
Answers the requests of clients/counts.py in lines: asyncio in front, a pool of processes behind it, and memory that all of them share.
Two more processes change the records in that memory all the time.
"""

import asyncio
import random
import struct
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory

size, width = 20_000, 256
sums_at = size * width
memory = lock = None


def attach(name, its_lock):
    global memory, lock
    memory, lock = SharedMemory(name), its_lock


def record(version):
    body = struct.pack("<I", version) * 63
    return struct.pack("<I", zlib.crc32(body)) + body


def is_whole(key):
    (crc,) = struct.unpack_from("<I", memory.buf, key * width)
    return crc == zlib.crc32(memory.buf[key * width + 4 : (key + 1) * width])


def replace(name, its_lock):
    attach(name, its_lock)
    while True:
        with lock:
            for _ in range(20):
                key = random.randrange(size)
                (version,) = struct.unpack_from("<I", memory.buf, key * width + 4)
                memory.buf[key * width : (key + 1) * width] = record(version + 1)
        time.sleep(0.01)


def answer(what, number="0"):
    with lock:
        if what == "check":
            found = sum(is_whole(key) for key in range(size))
            return f"whole {found}" if found == size else f"{found} of {size} are whole"
        at = sums_at + 8 * int(number)
        (total,) = struct.unpack_from("<q", memory.buf, at)
        if what == "add":
            total += 1
            struct.pack_into("<q", memory.buf, at, total)
        return str(total)


async def main():
    context = get_context("spawn")
    shared = SharedMemory(create=True, size=sums_at + 1024)
    both = (shared.name, context.Lock())
    shared.buf[:sums_at] = record(0) * size
    for _ in range(2):
        context.Process(target=replace, args=both, daemon=True).start()
    pool = ProcessPoolExecutor(3, mp_context=context, initializer=attach, initargs=both)
    ticks = 0

    async def serve(reader, writer):
        while line := await reader.readline():
            words = line.decode().split()
            text = str(ticks) if words == ["ticks"] else await loop.run_in_executor(pool, answer, *words)
            writer.write(f"{text}\n".encode())
            await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    await loop.run_in_executor(pool, answer, "check")
    await asyncio.start_server(serve, "0.0.0.0", 8080)
    while True:
        await asyncio.sleep(0.1)
        ticks += 1


if __name__ == "__main__":
    asyncio.run(main())
