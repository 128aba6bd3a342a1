/* How the twin says that something is wrong. */
#ifndef FAIL_H
#define FAIL_H

/* Says why on stderr, in one line, and exits with 1. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
