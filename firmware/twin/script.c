#include "script.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"

static FILE *file;
static const char *name;
static size_t number;           /* of the line that is held */
static char hex[1024];
static int64_t due_ns;
static bool held;

static void next_line(void) {
    char line[sizeof hex + 64];
    double time_s;
    held = false;
    if (!fgets(line, sizeof line, file)) return;
    number++;
    if (sscanf(line, "%lf,%1023[0-9a-f]", &time_s, hex) != 2 || strlen(hex) % 2 || time_s * 1e9 < due_ns)
        fail("expected a time that does not step back, a comma and bytes in hex, found line %zu of %s: %.40s", number, name, line);
    due_ns = (int64_t)(time_s * 1e9);
    held = true;
}

void script_open(const char *path) {
    name = path;
    file = fopen(path, "r");
    if (!file) fail("cannot read the script %s: %s", path, strerror(errno));
    next_line();
}

size_t script_read(int64_t end_ns, uint8_t *bytes, size_t room, int64_t *at_ns) {
    const size_t size = strlen(hex) / 2;
    if (!held || due_ns >= end_ns || size > room) return 0;
    for (size_t i = 0; i < size; i++) sscanf(hex + 2 * i, "%2hhx", &bytes[i]);
    *at_ns = due_ns;
    next_line();
    return size;
}
