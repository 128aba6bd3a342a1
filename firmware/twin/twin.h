/* What the parts of the twin share. */
#ifndef TWIN_H
#define TWIN_H

/* Says why on stderr, in one line, and exits with 1; takes the link with it. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
