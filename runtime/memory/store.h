// The destination's side: see main.c.
#pragma once
int store_memory(const char *folder, const char *socket, int is_plain);
