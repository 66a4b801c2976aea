"""Prints what the integrity check says, and the rows: how many there are, the highest number, how many have the wrong data."""
import sqlite3

database = sqlite3.connect("/data/rows.db", timeout=60)
(integrity,) = database.execute("PRAGMA integrity_check").fetchone()
rows = database.execute("SELECT n, data FROM rows ORDER BY n").fetchall()
wrong = sum(data != bytes([n % 256]) * 5000 for n, data in rows)
print(integrity, len(rows), rows[-1][0], wrong)
