"""
Transfers money between accounts in transactions, and notes each transfer in the same transaction. Argument: postgres or mariadb.
"""

import random
import sys

from load import address, expect, run

accounts = 100


def connect(worker):
    if sys.argv[2] == "postgres":
        import psycopg2

        return psycopg2.connect(host=address, user="app", password="app", dbname="app")
    import pymysql

    return pymysql.connect(host=address, user="app", password="app", database="app")


def step(link, worker, i):
    one, other = random.sample(range(accounts), 2)
    with link.cursor() as cursor:
        # In one order, so that no two transactions wait for each other.
        for account, amount in sorted([(one, 1), (other, -1)]):
            cursor.execute("UPDATE account SET balance = balance + %s WHERE id = %s", (amount, account))
        cursor.execute("INSERT INTO transfer VALUES (%s, %s)", (worker, i))
    link.commit()
    if i % 20 == 0:
        with link.cursor() as cursor:
            cursor.execute("SELECT sum(balance) FROM account")
            (total,) = cursor.fetchone()
        link.commit()
        expect(total == 0, f"the balances add up to {total}")


def finish(counts, errors):
    with connect(0).cursor() as cursor:
        for worker, (count, lost) in enumerate(zip(counts, errors)):
            cursor.execute("SELECT count(DISTINCT i), count(*) FROM transfer WHERE worker = %s", (worker,))
            kept, rows = cursor.fetchone()
            expect(kept == rows and count <= rows <= count + lost, f"{count} transfers of {worker}, {rows} rows, {kept} of them different")


link = connect(0)
with link.cursor() as cursor:
    cursor.execute("CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL)")
    cursor.execute("CREATE TABLE transfer (worker int NOT NULL, i int NOT NULL)")
    for account in range(accounts):
        cursor.execute("INSERT INTO account VALUES (%s, 0)", (account,))
link.commit()
run(connect, step, finish)
