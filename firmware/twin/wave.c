#include "wave.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* Column `column` (from 1) of a line of numbers. */
static bool field(const char *line, int column, double *value) {
    for (int i = 1; i < column; i++) {
        line = strpbrk(line, ",;\t");
        if (!line) return false;
        line++;
    }
    char *end;
    *value = strtod(line, &end);
    return end != line && isfinite(*value) && strchr(" ,;\t\r\n", *end);    /* strchr finds the closing 0 too */
}

static void scale(wave_t *wave, const wave_options_t *options) {
    double least = wave->counts[0], most = wave->counts[0];
    for (size_t i = 1; i < wave->size; i++) {
        least = fmin(least, wave->counts[i]);
        most = fmax(most, wave->counts[i]);
    }
    const bool as_is = options->low == options->high;
    const double gain = as_is ? 1 : most > least ? (options->high - options->low) / (most - least) : 0;
    for (size_t i = 0; i < wave->size; i++) {
        if (!as_is) wave->counts[i] = options->low + gain * (wave->counts[i] - least);
        wave->counts[i] = fmin(fmax(wave->counts[i], 0), 1023);
    }
    fprintf(stderr, "twin: %s: %zu values over %.3f s, %g..%g ", options->path, wave->size,
            wave->time_s[wave->size - 1], least, most);
    if (as_is) fprintf(stderr, "taken as ADC counts\n");
    else fprintf(stderr, "mapped to %g..%g ADC counts\n", options->low, gain ? options->high : options->low);
}

wave_t wave_load(const wave_options_t *options) {
    wave_t wave = {.loop = options->loop};
    if (!options->path) return wave;
    const int column = options->column ? options->column : options->rate_hz > 0 ? 1 : 2;
    FILE *file = fopen(options->path, "r");
    if (!file) fail("cannot read the waveform %s: %s", options->path, strerror(errno));

    char line[4096];
    double start_s = 0;
    size_t room = 0;
    for (size_t number = 1; fgets(line, sizeof line, file); number++) {
        double time_s = wave.size / (options->rate_hz > 0 ? options->rate_hz : 1), value;
        if (line[strspn(line, " \t\r\n")] == 0) continue;
        if ((options->rate_hz <= 0 && !field(line, 1, &time_s)) || !field(line, column, &value)) {
            if (number == 1) continue;      /* a header */
            fail("expected %s in column %d of %s line %zu, found %.*s", options->rate_hz > 0 ? "a number" :
                 "a time in column 1 and a number", column, options->path, number, (int)strcspn(line, "\r\n"), line);
        }
        if (wave.size == 0) start_s = time_s;
        time_s -= start_s;
        if (wave.size && time_s <= wave.time_s[wave.size - 1])
            fail("expected increasing times in %s, found a step back at line %zu", options->path, number);
        if (wave.size == room) {
            room = room ? 2 * room : 1024;
            wave.time_s = realloc(wave.time_s, room * sizeof(double));
            wave.counts = realloc(wave.counts, room * sizeof(double));
            if (!wave.time_s || !wave.counts) fail("out of memory at line %zu of %s", number, options->path);
        }
        wave.time_s[wave.size] = time_s;
        wave.counts[wave.size++] = value;
    }
    fclose(file);
    if (wave.size < 2) fail("expected at least two lines of numbers in %s, found %zu", options->path, wave.size);
    scale(&wave, options);
    return wave;
}

double wave_at(const wave_t *wave, double time_s) {
    if (wave->size == 0) return 512;
    const double end_s = wave->time_s[wave->size - 1];
    if (wave->loop && time_s > 0) time_s = fmod(time_s, end_s + end_s / (wave->size - 1));
    if (time_s <= 0) return wave->counts[0];
    if (time_s >= end_s) return wave->counts[wave->size - 1];
    size_t low = 0, high = wave->size - 1;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (wave->time_s[middle] <= time_s) low = middle;
        else high = middle;
    }
    const double part = (time_s - wave->time_s[low]) / (wave->time_s[high] - wave->time_s[low]);
    return wave->counts[low] + part * (wave->counts[high] - wave->counts[low]);
}
