/* The host's end of the wire: a pty, behind an adapter that may hold bytes back. */
#ifndef TWIN_PORT_H
#define TWIN_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens the pty in raw mode; `link`, where not NULL, becomes a symlink to it. Gives its path. */
const char *port_open(const char *link, double hold_ms, bool only_while_open);
void port_close(void);

/* Instead of a pty: port_put() prints "time_ns,byte in hex" lines on stdout. */
void port_print(void);

/* Bytes that the host has written since, 0 if none. */
size_t port_read(uint8_t *bytes, size_t room);

/* A byte whose stop bit ended at `end_ns`. */
void port_put(uint8_t byte, int64_t end_ns);

/* Hands the host what is due at `now_ns`. */
void port_flush(int64_t now_ns);

/* True once after the host has opened the port. Known only with only_while_open. */
bool port_was_opened(void);

/* Bytes the host did not read in time: a UART does not wait. */
uint64_t port_lost(void);

#endif
