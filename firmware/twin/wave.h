/* A waveform from a CSV file: what the pulse sensor puts on A0. */
#ifndef TWIN_WAVE_H
#define TWIN_WAVE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    double *time_s;     /* from 0, increasing */
    double *counts;     /* ADC counts, 0..1023 */
    size_t size;        /* 0: no file, mid-scale for ever */
    bool loop;
} wave_t;

typedef struct {
    const char *path;
    double rate_hz;     /* > 0: no time column */
    int column;         /* of the values, from 1; 0: 2 beside a time column, else 1 */
    double low, high;   /* minimum and maximum go here [counts]; low == high: the file holds counts already */
    bool loop;
} wave_options_t;

/* Exits with one line where the file cannot be used; writes to stderr how it was scaled. */
wave_t wave_load(const wave_options_t *options);

/* Linear in between; holds its ends outside unless it loops. */
double wave_at(const wave_t *wave, double time_s);

#endif
