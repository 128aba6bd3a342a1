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

/* Adds "KIND@AT_S[:FOR_S]" to what goes wrong; false: that says nothing. KIND is
 *   absent  no answer to its address, no power; at the end it wakes with its registers cleared
 *   nack    it does not acknowledge being read
 *   stuck   it holds SDA low until it has seen nine clocks, of which the last comes after FOR_S
 *   power   a dip of its supply: its registers are cleared and it says so
 *   wire    INT does not reach the chip */
bool max30102_fault(const char *text);

/* `ppm`: how fast its clock runs beside the chip's; `light`: the waveform at a cycle, 0..1 of full scale. */
void max30102_open(avr_t *avr, double ppm, double (*light)(uint64_t cycle));

/* From the bus; a part that is not there acknowledges nothing. */
bool max30102_address(uint8_t address, bool read);
bool max30102_write(uint8_t byte);
uint8_t max30102_read(void);
void max30102_clocked(void);

#endif
