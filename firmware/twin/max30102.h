/* A MAX30102 on the two-wire bus, its INT on D2, seeing the same waveform as the ADC; and what can go wrong with one.
 *
 * Its registers, FIFO and interrupt as far as datasheet 19-7740 describes them and the firmware uses them: multi-LED mode with
 * infrared in the first slot. Its clock is its own. Each pulse of its LED sees the waveform at its middle; the mean of n
 * pulses goes into the FIFO at the end of the last.
 */
#ifndef TWIN_MAX30102_H
#define TWIN_MAX30102_H

#include <stdbool.h>
#include <stdint.h>

#include <sim_avr.h>

/* Adds the fault "KIND@AT_S[:FOR_S]"; false: the text is not of that form. KIND is
 *   absent  no answer to its address, no power; at the end it wakes with its registers cleared
 *   nack    it does not acknowledge being read
 *   stuck   it holds SDA low until it has seen nine clocks, of which the last comes after FOR_S
 *   power   a dip of its supply: its registers are cleared and its status shows it
 *   wire    INT does not reach the chip */
bool max30102_fault(const char *text);

typedef struct {
    double ppm;                                         /* how fast its clock runs beside the board's crystal */
    double (*light)(uint64_t cycle);                    /* the waveform at a cycle, 0..1 of full scale */
    void (*sampled)(uint64_t middle, double value);     /* a sample is in the FIFO: middle of its window, 18 bits */
} max30102_options_t;

/* Attaches one to the bus, which is open. */
void max30102_open(avr_t *avr, const max30102_options_t *options);

#endif
