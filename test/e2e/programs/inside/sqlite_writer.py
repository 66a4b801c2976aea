"""Writes rows in WAL mode and acknowledges each on standard output, while a second process reads over the shared WAL index.

The argument says how many rows a second it writes at most."""
import multiprocessing
import sqlite3
import sys
import time

DATABASE = "/data/rows.db"


def open_database():
    database = sqlite3.connect(DATABASE, timeout=60, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database


def read():
    """Rows only become more, and their numbers have no gap."""
    database, before = open_database(), 0
    while True:
        count, last = database.execute("SELECT count(*), coalesce(max(n), -1) FROM rows").fetchone()
        if count < before or last != count - 1:
            print(f"WRONG: {count} rows up to {last}, after {before}", flush=True)
            return
        before = count
        time.sleep(0.02)


def write():
    database = open_database()
    database.execute("PRAGMA wal_autocheckpoint = 50")
    number = 0
    while True:
        database.execute("INSERT INTO rows VALUES (?, ?)", (number, bytes([number % 256]) * 5000))
        print(number, flush=True)
        number += 1
        time.sleep(1 / float(sys.argv[1]))


# Closed before the fork: SQLite's locks belong to a process.
first = open_database()
first.execute("CREATE TABLE rows (n INTEGER PRIMARY KEY, data BLOB)")
first.close()
multiprocessing.Process(target=read, daemon=True).start()
write()
