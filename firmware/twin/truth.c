#include "truth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../ppg_logger/protocol.h"
#include "fail.h"

#define CONVERSIONS 65536       /* a minute, far more than the firmware can queue */
#define CONVERSION_HZ 1000

static FILE *file, *cycles_file;
static struct { int64_t hold_ns; uint16_t counts; } conversions[CONVERSIONS];
static uint64_t count;          /* since armed */
static unsigned start;          /* how often armed */
static unsigned lights;         /* how often the LED's pin changed */
static unsigned per_window = CONVERSION_HZ / DEFAULT_RATE_HZ;

void truth_open(const char *path) {
    if (!path) return;
    file = fopen(path, "w");
    if (!file) fail("cannot write the truth to %s: %s", path, strerror(errno));
    setvbuf(file, NULL, _IOLBF, 0);
    fprintf(file, "kind,sequence,time_ns,value,start\n");
}

void truth_cycles_open(const char *path) {
    cycles_file = fopen(path, "w");
    if (!cycles_file) fail("cannot write the cycles to %s: %s", path, strerror(errno));
    fprintf(cycles_file, "kind,start,at,cycle\n");
}

void truth_close(void) {
    if (file) fclose(file);
    if (cycles_file) fclose(cycles_file);
    file = cycles_file = NULL;
}

void truth_hold(uint64_t cycle) {
    if (cycles_file) fprintf(cycles_file, "hold,%u,%llu,%llu\n", start, (unsigned long long)count, (unsigned long long)cycle);
}

void truth_off(uint64_t cycles, uint32_t pc) {
    if (cycles_file) fprintf(cycles_file, "off,,0x%x,%llu\n", pc, (unsigned long long)cycles);
}

void truth_ticks(int64_t zero_ns) {
    if (file) fprintf(file, "ticks,0,%lld,,%u\n", (long long)zero_ns, start);
}

void truth_armed(void) {
    count = 0;
    start++;
}

void truth_conversion(int64_t hold_ns, uint16_t counts) {
    conversions[count % CONVERSIONS].hold_ns = hold_ns;
    conversions[count % CONVERSIONS].counts = counts;
    count++;
}

static uint32_t u32(const uint8_t *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }

static void sample(uint32_t sequence) {
    const uint64_t first = (uint64_t)sequence * per_window, end = first + per_window;
    if (!file || end > count || count - first > CONVERSIONS) return;
    double sum = 0;
    for (uint64_t i = first; i < end; i++) sum += conversions[i % CONVERSIONS].counts;
    const int64_t a = conversions[first % CONVERSIONS].hold_ns, b = conversions[(end - 1) % CONVERSIONS].hold_ns;
    fprintf(file, "sample,%u,%lld,%.3f,%u\n", sequence, (long long)(a + (b - a) / 2), sum * 64 / per_window, start);
}

void truth_part(int64_t time_ns, double value) {
    static unsigned number;
    if (file) fprintf(file, "part,%u,%lld,%.3f,%u\n", number++, (long long)time_ns, value / 4, start);
}

void truth_ping(uint16_t id, int64_t in_ns) {
    if (file) fprintf(file, "ping,%u,%lld,,%u\n", id, (long long)in_ns, start);
}

void truth_light(int on, int64_t at_ns) {
    if (file) fprintf(file, "light,%u,%lld,%d,%u\n", lights++, (long long)at_ns, on, start);
}

void truth_packet(const uint8_t *body, int size) {
    if (body[0] == TYPE_HELLO && size == 3 + SIZE_HELLO && (body[13] | body[14] << 8))
        per_window = CONVERSION_HZ / (body[13] | body[14] << 8);
    if (body[0] == TYPE_SAMPLE && size == 3 + SIZE_SAMPLE) sample(u32(body + 1));
}
