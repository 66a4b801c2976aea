import type { Program } from "../program.ts";

const fetched = (url: string) => `python3 -c 'import urllib.request as web; web.urlopen("${url}")'`;
const answersOn = (port: number) => `python3 -c 'import socket; socket.create_connection(("127.0.0.1", ${port}))'`;

const pages = "four clients fetch a page of 170 KB over connections that are kept open: each is whole";
const sessions = "four clients have a session each: its count goes up by one with each request";
const counted =
  "four clients send numbers: each is answered with itself, and the count that all processes share is right at the end";
const names = "four clients ask for names over UDP and over TCP connections that are kept open: every address is right";

/** A web server with the page of numbers (inside/site.sh, inside/origin.sh). */
const numbers = (port: number, query = ""): Pick<Program, "image" | "ready" | "client"> => ({
  image: "web",
  ready: fetched(`http://127.0.0.1:${port}/numbers.txt`),
  client: ["http.py", String(port), `/numbers.txt${query}`, "29998 29999 30000"],
});

export const web: Program[] = [
  {
    id: "nginx",
    what: "nginx, its workers as www-data",
    how: pages,
    command: "sh /opt/site.sh nginx -g 'daemon off;'",
    ...numbers(80),
  },
  {
    id: "apache-event",
    what: "Apache with the event module, its workers as www-data",
    how: pages,
    command: "sh /opt/apache.sh event",
    ...numbers(80),
  },
  {
    id: "apache-prefork",
    what: "Apache with the prefork module and PHP, its workers as www-data",
    how: sessions,
    image: "web",
    command: "sh /opt/apache.sh prefork",
    ready: fetched("http://127.0.0.1/count.php"),
    client: ["session.py", "80", "/count.php"],
  },
  {
    id: "haproxy",
    what: "HAProxy as haproxy, in front of nginx; it loads a new configuration meanwhile",
    how: `${pages}; the new configuration holds at the end`,
    command: "sh /opt/haproxy.sh",
    ...numbers(80),
    verify: `python3 -c 'import urllib.request as web; assert web.urlopen("http://127.0.0.1/").headers["x-version"] == "2"'`,
  },
  {
    id: "php-fpm",
    what: "PHP-FPM behind nginx, both as www-data",
    how: sessions,
    image: "web",
    command: "sh /opt/php-fpm.sh",
    ready: fetched("http://127.0.0.1/count.php"),
    client: ["session.py", "80", "/count.php"],
  },
  {
    id: "nodejs-cluster",
    what: "Node.js: an HTTP server with a cluster of workers, as www-data",
    how: counted,
    image: "web",
    options: "--user www-data",
    command: "node /opt/cluster.mjs",
    ready: answersOn(8080),
    client: ["counted.py", "8080"],
  },
  {
    id: "gunicorn",
    what: "gunicorn (Python) with three processes of threads, Flask and SQLite, as www-data",
    how: counted,
    image: "web",
    options: "--user www-data",
    command:
      "gunicorn --preload --bind 0.0.0.0:8000 --workers 3 --worker-class gthread --threads 4 --keep-alive 60 shop:app",
    ready: answersOn(8000),
    client: ["counted.py", "8000"],
    verify: `python3 -c 'import sqlite3; assert sqlite3.connect("/tmp/shop.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)'`,
  },
  {
    id: "uvicorn",
    what: "uvicorn (Python) with two processes and FastAPI, as www-data",
    how: "four clients send numbers over WebSockets: each is answered with the sum of all in its connection",
    image: "web",
    options: "--user www-data",
    command: "uvicorn --host 0.0.0.0 --port 8000 --workers 2 totals:app",
    ready: answersOn(8000),
    client: ["websocket.py", "8000", "/total"],
  },
  {
    id: "puma",
    what: "Puma (Ruby) with two processes of threads, as www-data",
    how: counted,
    image: "web",
    options: "--user www-data",
    command: "puma --workers 2 --threads 2:4 --bind tcp://0.0.0.0:9292 /opt/config.ru",
    ready: answersOn(9292),
    client: ["counted.py", "9292"],
  },
  {
    id: "caddy",
    what: "Caddy (Go) with TLS, as caddy",
    how: "four clients ask over TLS connections that are kept open: each answer is about its question",
    image: "web",
    options: "--user caddy",
    command: "caddy run --config /opt/Caddyfile --adapter caddyfile",
    ready: answersOn(443),
    client: ["https.py", "443", "/echo/{i}", "/echo/{i} was asked for"],
  },
  {
    id: "tomcat",
    what: "Tomcat 10 (Java), as tomcat",
    how: sessions,
    image: "web",
    options: "--user tomcat",
    command: "sh /opt/tomcat.sh",
    ready: fetched("http://127.0.0.1:8080/app/count.jsp"),
    client: ["session.py", "8080", "/app/count.jsp"],
  },
  {
    id: "lighttpd",
    what: "lighttpd, as www-data",
    how: pages,
    command: "sh /opt/site.sh lighttpd -D -f /etc/lighttpd/lighttpd.conf",
    ...numbers(80),
  },
  {
    id: "varnish",
    what: "Varnish as vcache, with 256 MB of memory, in front of nginx",
    how: `${pages}; one in four comes from nginx, the others from memory`,
    command: "sh /opt/varnish.sh",
    ...numbers(6081, "?{i}"),
  },
  {
    id: "squid",
    what: "Squid as proxy, in front of nginx",
    how: `${pages}; some come from nginx, the others from memory`,
    image: "web",
    command: "sh /opt/squid.sh",
    ready: answersOn(3128),
    client: ["http.py", "3128", "http://10.88.0.77:8080/numbers.txt?{i}", "29998 29999 30000"],
  },
  {
    id: "prometheus",
    what: "Prometheus (Go), as prometheus, which watches itself",
    how: "four clients ask over connections that are kept open: each answer is about its question, and Prometheus has seen itself up all the time",
    image: "web",
    options: "--user prometheus",
    command: "prometheus --config.file=/etc/prometheus/prometheus.yml",
    ready: fetched("http://127.0.0.1:9090/-/ready"),
    client: ["http.py", "9090", "/api/v1/query?query=vector({i})", ',"{i}"]'],
    verify: "python3 -P /opt/prometheus-was-up.py",
  },
  {
    id: "icecast",
    what: "Icecast, as icecast2",
    how: "a client sends a stream of numbered lines, and three listen: each line comes once and in order",
    image: "web",
    options: "--user icecast2",
    command: "icecast2 -c /etc/icecast2/icecast.xml",
    ready: answersOn(8000),
    client: ["icecast.py", "hackme"],
  },
  {
    id: "bind",
    what: "BIND, as bind",
    how: names,
    image: "web",
    command: "sh /opt/bind.sh",
    ready: answersOn(53),
    client: ["dns.py"],
  },
  {
    id: "unbound",
    what: "Unbound, as unbound",
    how: names,
    image: "web",
    command: "sh /opt/unbound.sh",
    ready: answersOn(53),
    client: ["dns.py"],
  },
];
