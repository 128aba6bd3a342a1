/* How the twin reports an error. */
#ifndef FAIL_H
#define FAIL_H

/* Writes one line to stderr and exits with 1. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
