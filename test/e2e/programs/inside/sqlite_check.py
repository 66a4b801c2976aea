"""Prints who has the database open ("used" or "alone"), what the integrity check says, and the rows: how many, the highest number, how many are wrong."""
import fcntl
import sqlite3

DATABASE = "/data/rows.db"
# Each process that has a database in WAL mode open holds this byte of the shared index locked (SQLite's os_unix.c).
FIRST_COME = 128


def used():
    """Where nobody holds it, whoever opens the database makes the index anew."""
    with open(DATABASE + "-shm", "r+b") as index:
        try:
            fcntl.lockf(index, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, FIRST_COME)
        except OSError:
            return "used"
        return "alone"


who = used()
database = sqlite3.connect(DATABASE, timeout=60)
(integrity,) = database.execute("PRAGMA integrity_check").fetchone()
rows = database.execute("SELECT n, data FROM rows ORDER BY n").fetchall()
wrong = sum(data != bytes([n % 256]) * 5000 for n, data in rows)
print(who, integrity, len(rows), rows[-1][0], wrong)
