#pragma once

/** From here on the tables of this process are handled: it dumps. */
void tables_begin(void);
