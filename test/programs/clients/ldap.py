"""Each worker changes an entry of its own and reads it back. Argument: the administrator's password."""

import sys

from ldap3 import MODIFY_REPLACE, Connection, Server

from load import address, expect, run

base = "dc=example,dc=org"


def connect(worker):
    link = Connection(Server(address, connect_timeout=10), f"cn=admin,{base}", sys.argv[2], auto_bind=True)
    link.add(f"cn=worker{worker},{base}", ["organizationalRole"], {"description": "0"})
    return link


def step(link, worker, i):
    name = f"cn=worker{worker},{base}"
    expect(link.modify(name, {"description": [(MODIFY_REPLACE, [str(i)])]}), f"not changed: {link.result}")
    link.search(name, "(objectClass=*)", attributes=["description"])
    found = link.entries[0].description.value
    expect(found == str(i), f"wrote {i}, read {found}")


run(connect, step)
