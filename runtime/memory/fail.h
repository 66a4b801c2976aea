// How the store ends when it cannot go on.
#pragma once

// Says what could not be done and why (errno), and ends with the errno. The connection stays open until the agent knows of it.
_Noreturn void fail(const char *what);
