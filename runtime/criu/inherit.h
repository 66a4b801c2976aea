// Memory that children share with their parent by copy-on-write.
#pragma once
#include <stddef.h>

// CRIU has reserved room for the mappings of a process.
void inherit_reserved(void *at, size_t length);

// CRIU begins to make the memory of a process: it opens its list of pages in the folder of the images.
void inherit_begin(int images, const char *pagemap);

// CRIU has made a mapping where it collects those of the process.
void inherit_mapped(void *at, size_t length, int protection, int flags);

// CRIU has moved a mapping of the parent there.
void inherit_moved(char *from, char *at, size_t length);
