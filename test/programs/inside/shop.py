"""A web application that counts its requests in a database, which its processes share."""

import sqlite3

from flask import Flask, jsonify, request

app = Flask(__name__)


def database():
    return sqlite3.connect("/tmp/shop.db", timeout=60, isolation_level=None)


# The first process does this, before there are others.
first = database()
first.execute("PRAGMA journal_mode = WAL")
first.execute("CREATE TABLE counter (number integer)")
first.execute("INSERT INTO counter VALUES (0)")
first.close()


@app.get("/")
def count():
    link = database()
    ((number,),) = link.execute("UPDATE counter SET number = number + 1 RETURNING number").fetchall()
    link.close()
    return jsonify(i=int(request.args["i"]), number=number)
