#pragma once

/** Carries out `godwit-memory gather`: main.c describes it. @returns the exit status */
int gather_pieces(void);
