import type { Program } from "../program.ts";

const port = (number: number) => `python3 -c 'import socket; socket.create_connection(("127.0.0.1", ${number}))'`;

const services = (id: string, what: string, kind: string): Program => ({
  id,
  what: `${what}, three services as other users, each with a logger`,
  how: "each service has written every number once to its log, and one that is killed is started again",
  image: "systems",
  command: `sh /opt/services.sh ${kind}`,
  ready: "for user in www-data games backup; do test -s /var/log/services/$user/current; done",
  progress: "cat /var/log/services/*/current | wc -l",
  verify: `sh /opt/services-check.sh ${kind}`,
});

export const systems: Program[] = [
  {
    id: "sshd",
    what: "OpenSSH with four sessions",
    how: "each session stays, and the shell on its terminal counts on; commands beside it give the right checksum",
    image: "systems",
    command: "sh /opt/sshd.sh",
    ready: port(22),
    client: ["ssh.py", "app", "app"],
  },
  {
    id: "tmux",
    what: "tmux with a shell and an attached client, as a user",
    how: "commands typed into the shell are carried out once each and shown; the client stays attached",
    image: "systems",
    command: "sh /opt/tmux.sh",
    ready: "test $(su - app -c 'tmux list-clients' </dev/null | wc -l) = 1",
    progress: "su - app -c 'sh /opt/tmux-count.sh' </dev/null",
    verify:
      "cd /home/app; seq -f '<%.0f>' $(wc -l <counts) | cmp - counts && test $(su - app -c 'tmux list-clients' </dev/null | wc -l) = 1",
  },
  {
    id: "supervisord",
    what: "supervisord with five children as other users, one of which ends and is started again all the time",
    how: "what four clients write to the children comes out once each; no child but that one is started again",
    image: "systems",
    command: "supervisord -c /opt/supervisor.conf",
    ready: "supervisorctl -s http://127.0.0.1:9001 status cat3 | grep RUNNING",
    client: ["supervisor.py"],
    verify:
      "cd /var/log/supervisor; before=$(grep -c \"spawned: 'short'\" supervisord.log); sleep 10; test $(grep -c \"spawned: 'short'\" supervisord.log) -gt $before",
  },
  services("s6", "s6", "s6"),
  {
    id: "mail",
    what: "A mail server: Postfix (SMTP) and Dovecot (IMAP), with their own users",
    how: "four clients send mail and read it, over connections of both that stay: every mail is there once",
    image: "systems",
    command: "sh /opt/mail.sh",
    ready: `${port(25)} && ${port(143)}`,
    client: ["mail.py", "secret"],
    verify: 'test -z "$(postqueue -j)"',
  },
  {
    id: "vsftpd",
    what: "vsftpd (FTP)",
    how: "four clients upload files and download them again, two of them slowly, so that transfers are under way: all come back as they were",
    image: "systems",
    command: "sh /opt/vsftpd.sh",
    ready: port(21),
    client: ["ftp.py", "app", "app"],
  },
  {
    id: "terminal",
    what: "A program with curses on the terminal of `docker run -t`",
    how: "it goes on drawing and reading; its standard input is a terminal of the size it had",
    image: "systems",
    options: "-t --user games",
    command: "sh -c 'stty rows 40 cols 120 && exec python3 -P /opt/terminal.py'",
    ready: "test -s /tmp/count",
    progress: "cat /tmp/count",
    verify:
      "test \"$(stty -F /proc/1/fd/0 size)\" = '40 120' && stty -F /proc/1/fd/0 -a | grep -e '-icanon' | grep -e '-echo '",
  },
  {
    id: "cron",
    what: "cron with a job each minute, as a user",
    how: "a job that runs goes on; one has started in every minute, also after the moves",
    image: "systems",
    command: "sh /opt/cron.sh",
    ready: "test -s /home/app/numbers",
    progress: "wc -l </home/app/numbers",
    verify: "sh /opt/cron-check.sh",
  },
];
