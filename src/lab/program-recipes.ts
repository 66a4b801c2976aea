import type { Recipe } from "./recipe.ts";

/** What every image of programs has: their clients are written in Python. */
const common = ["python3", "procps", "iproute2", "busybox-static", "ca-certificates"];

/** The Debian packages of the images for test/programs. A family of programs shares an image. */
const packages = {
  databases: [
    ...[
      "redis-server",
      "postgresql",
      "mariadb-server",
      "memcached",
      "etcd-server",
      "etcd-client",
      "sqlite3",
      "slapd",
      "ldap-utils",
    ],
    ...["python3-redis", "python3-psycopg2", "python3-pymysql", "python3-pymemcache", "python3-ldap3"],
  ],
  queues: [
    ...["rabbitmq-server", "mosquitto", "nats-server", "beanstalkd", "gearman-job-server", "prosody"],
    ...["libzookeeper-java", "default-jre-headless"],
    ...["python3-pika", "python3-paho-mqtt", "python3-kazoo"],
  ],
  web: [
    ...["nginx-light", "apache2", "libapache2-mod-php", "php-fpm", "haproxy", "caddy", "lighttpd", "varnish", "squid"],
    ...["nodejs", "gunicorn", "python3-flask", "uvicorn", "python3-fastapi", "python3-websockets", "puma", "tomcat10"],
    ...["prometheus", "icecast2", "unbound", "bind9", "systemd-standalone-sysusers"],
  ],
  languages: [
    ...["openjdk-21-jdk-headless", "liblucene9-java", "golang-go", "nodejs", "pypy3", "starman", "puma", "ruby-rack"],
    ...["php-cli", "erlang-base", "sbcl", "lua5.4", "lua-socket", "r-base-core"],
  ],
  systems: [
    ...["openssh-server", "python3-paramiko", "tmux", "cron", "supervisor", "systemd-sysv", "runit", "s6"],
    ...["postfix", "dovecot-imapd", "vsftpd"],
  ],
  media: [
    ...["ffmpeg", "stress-ng", "gcc", "libc6-dev", "make", "chromium-headless-shell", "python3-websocket"],
    ...["xz-utils", "zstd", "sqlite3", "git"],
  ],
} as const;

export type ProgramImage = keyof typeof packages;
export const programImages = Object.keys(packages) as ProgramImage[];

export const programRecipe = (image: ProgramImage): Recipe => ({
  name: image,
  release: "trixie",
  variant: "essential",
  packages: [...common, ...packages[image]],
  // Java links its manual pages from a folder that an image lacks, unless it has none.
  without: ["/usr/include/*", "/usr/lib/jvm/*/man/*"],
  newer: undefined,
});
