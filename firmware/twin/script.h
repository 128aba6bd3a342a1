/* The host's side of the wire from a file, for a twin that does not wait for a clock. */
#ifndef TWIN_SCRIPT_H
#define TWIN_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

/* Opens FILE: lines of "time_s,bytes in hex", times from the chip's first cycle and never falling. */
void script_open(const char *path);

/* The bytes of the next line if it is due before `end_ns`: their number, else 0. `at_ns`: when the host wrote them. */
size_t script_read(int64_t end_ns, uint8_t *bytes, size_t room, int64_t *at_ns);

#endif
