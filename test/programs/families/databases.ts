import type { Program } from "../program.ts";

const transfers =
  "four clients move money between accounts in transactions: the sum never changes, and every transfer that was answered is there once";
const counts =
  "four clients count, each in a key of its own, and read each number back; every count is there at the end";

const postgres = (id: string, buffers: string): Program => ({
  id,
  what: `PostgreSQL with shared buffers of ${buffers}, as postgres`,
  how: transfers,
  image: "databases",
  options: "--user postgres --shm-size 3g",
  command: `sh /opt/postgres.sh ${buffers.replaceAll(" ", "")}`,
  ready: "su postgres -c 'psql -c \"SELECT 1\" app'",
  client: ["sql.py", "postgres"],
  verify: "su postgres -c 'psql -c \"CREATE EXTENSION amcheck\" app && pg_amcheck --heapallindexed app'",
});

export const databases: Program[] = [
  postgres("postgresql", "128 MB"),
  postgres("postgresql-2gb", "2 GB"),
  {
    id: "mariadb",
    what: "MariaDB with InnoDB, as mysql",
    how: transfers,
    image: "databases",
    options: "--user mysql",
    command: "sh /opt/mariadb.sh",
    ready: "mariadb -e 'SELECT 1' app",
    client: ["sql.py", "mariadb"],
    verify: "mariadb-check --extended app",
  },
  {
    id: "redis",
    what: "Redis as redis, with an append-only file, while it saves in the background",
    how: counts,
    image: "databases",
    options: "--user redis:redis",
    command: "redis-server --dir /var/lib/redis --save '1 1' --appendonly yes --protected-mode no --bind '*'",
    ready: "redis-cli ping",
    client: ["redis.py"],
    verify: "redis-check-aof /var/lib/redis/appendonlydir/*.manifest",
  },
  {
    id: "memcached",
    what: "memcached, as memcache",
    how: `${counts}, and large values beside it`,
    image: "databases",
    options: "--user memcache",
    command: "memcached -m 512 -U 0 -l 0.0.0.0",
    ready: "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 11211))'",
    client: ["memcached.py"],
  },
  {
    id: "etcd",
    what: "etcd (Go), as etcd",
    how: "four clients put numbers and read each back; the server's count of changes is theirs",
    image: "databases",
    options: "--user etcd",
    command:
      "etcd --data-dir /var/lib/etcd/default --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://10.88.0.77:2379",
    ready: "ETCDCTL_API=3 etcdctl endpoint health",
    client: ["etcd.py"],
    verify: "ETCDCTL_API=3 etcdctl endpoint status && ETCDCTL_API=3 etcdctl defrag",
  },
  {
    id: "openldap",
    what: "OpenLDAP (slapd with LMDB), as openldap",
    how: "four clients change an entry each and read it back",
    image: "databases",
    options: "--user root",
    command: "sh /opt/slapd.sh",
    ready: "ldapsearch -x -H ldap://127.0.0.1 -b dc=example,dc=org",
    client: ["ldap.py", "secret"],
    verify: "slapcat -n 1 >/dev/null",
  },
];
