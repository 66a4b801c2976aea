"""A web application that counts its requests in a database, which its processes share."""

import sqlite3

from flask import Flask, jsonify, request

app = Flask(__name__)


def database():
    return sqlite3.connect("/tmp/shop.db", timeout=60, isolation_level=None)


with database() as first:
    first.execute("PRAGMA journal_mode = WAL")
    first.execute("CREATE TABLE IF NOT EXISTS counter (id integer PRIMARY KEY, number integer)")
    first.execute("INSERT OR IGNORE INTO counter VALUES (1, 0)")


@app.get("/")
def count():
    link = database()
    ((number,),) = link.execute("UPDATE counter SET number = number + 1 RETURNING number").fetchall()
    link.close()
    return jsonify(i=int(request.args["i"]), number=number)
