#pragma once

/** Carries out `godwit-memory collapse`: main.c describes it. @returns the exit status */
int collapse_pages(void);
