// The source's side: see main.c.
#pragma once
int send_memory(void);
