"""Draws a number on its terminal ten times a second with curses, and writes it to /tmp/count."""

import curses
import os


def main(screen):
    screen.timeout(100)
    count = 0
    while True:
        count += 1
        screen.addstr(1, 1, f"{count} on {curses.LINES} lines")
        screen.refresh()
        screen.getch()
        with open("/tmp/count.new", "w") as file:
            print(count, file=file)
        os.rename("/tmp/count.new", "/tmp/count")


curses.wrapper(main)
