"""
Each worker sends mail to a user of its own over SMTP, and waits for it over IMAP. It keeps both connections open. Argument: the users'
password.
"""

import email
import imaplib
import smtplib
import sys
import time

from load import address, expect, run


class Box:
    def __init__(self, worker):
        self.user = f"user{worker}"
        self.smtp = smtplib.SMTP(address, 25, "client.example", timeout=60)
        self.imap = imaplib.IMAP4(address, timeout=60)
        self.imap.login(self.user, sys.argv[2])
        _, (count,) = self.imap.select("INBOX")
        self.seen = self.there = int(count)

    def count(self):
        self.imap.noop()
        _, told = self.imap.response("EXISTS")
        if told[-1] is not None:
            self.there = int(told[-1])
        return self.there

    def read(self, number):
        _, ((_, text), _) = self.imap.fetch(str(number), "(BODY.PEEK[])")
        return email.message_from_bytes(text)


def connect(worker):
    return Box(worker)


def body_of(worker, i):
    return f"{worker}:{i} " * 100


def step(box, worker, i):
    subject = f"{worker}:{i}"
    text = f"From: app@client.example\nTo: {box.user}@mail.example\nSubject: {subject}\n\n{body_of(worker, i)}\n"
    # smtplib takes a lost connection for a refused sender and makes a new one: each command by itself does not.
    for command, code in (("MAIL FROM:<app@client.example>", 250), (f"RCPT TO:<{box.user}@mail.example>", 250)):
        answer = box.smtp.docmd(command)
        expect(answer[0] == code, f"{command}: {answer}")
    answer = box.smtp.data(text)
    expect(answer[0] == 250, f"DATA: {answer}")
    end = time.monotonic() + 60
    while True:
        while box.count() == box.seen:
            expect(time.monotonic() < end, f"mail {subject} has not come")
            time.sleep(0.02)
        box.seen += 1
        found = box.read(box.seen)
        # After an error, mail of an earlier step may still come.
        if found["Subject"] == subject:
            break
    expect(found.get_payload().strip() == body_of(worker, i).strip(), f"mail {subject} has another text")


def finish(counts, errors):
    for worker, (count, lost) in enumerate(zip(counts, errors)):
        box = Box(worker)
        _, parts = box.imap.fetch(f"1:{box.seen}", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        subjects = [part[1] for part in parts if isinstance(part, tuple)]
        expect(
            count <= len(set(subjects)) == len(subjects) <= count + lost,
            f"{count} mails of {worker}, the box has {len(subjects)}, {len(set(subjects))} of them different",
        )


run(connect, step, finish, pause=0.05)
