/* The truth about each sample, from the simulator's side: when its conversions held their input, and what they converted;
 * about each PING, when the UART had its last byte; and about the LED, when its pin changed.
 *
 * Nothing here is taken from the firmware's stamps. Conversions are counted from the instant at which the firmware arms the
 * ADC's trigger, the time of each comes from the simulator's cycle counter, and a SAMPLE on the wire only names the
 * window (its sequence); how long a window is comes from the rate in the last HELLO.
 */
#ifndef TWIN_TRUTH_H
#define TWIN_TRUTH_H

#include <stdint.h>

void truth_open(const char *path);                          /* NULL: keep none */
void truth_close(void);

/* To FILE: for each conversion the cycle of its hold; and, at the end, the longest that interrupts were disabled. */
void truth_cycles_open(const char *path);
void truth_hold(uint64_t cycle);
void truth_off(uint64_t cycles, uint32_t pc);

void truth_ticks(int64_t zero_ns);                          /* the firmware's tick counter starts; the last one counts */
void truth_armed(void);                                     /* conversions count from here */
void truth_conversion(int64_t hold_ns, uint16_t counts);
void truth_part(int64_t time_ns, double value);             /* a MAX30102 has a sample: middle of its window, 18 bits */
void truth_ping(uint16_t id, int64_t in_ns);
void truth_light(int on, int64_t at_ns);
void truth_packet(const uint8_t *body, int size);           /* type, payload, CRC, as the device sent it */

#endif
