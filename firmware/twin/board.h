/* The simulated board: an ATmega328P at 16 MHz with the firmware in its flash. */
#ifndef TWIN_BOARD_H
#define TWIN_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "wave.h"

#define CYCLE_HZ 16000000.0

typedef struct {
    const char *elf, *eeprom;   /* eeprom: file that keeps the EEPROM from run to run, or NULL */
    wave_t wave;
    bool play_now;              /* else the waveform starts when a START has come in */
    double ppm;
    bool max30102;              /* one is on the bus, */
    double max30102_ppm;        /* its clock so much faster than it should be, beside the crystal's */
    bool watch;                 /* step by instruction and measure how long interrupts are disabled */
} board_options_t;

void board_open(const board_options_t *options, int64_t anchor_ns);
void board_close(void);

/* The host time of a cycle, and the first cycle not before a host time: one exact straight line. */
int64_t board_time_ns(uint64_t cycle);
uint64_t board_cycle_at(int64_t time_ns);

uint64_t board_cycle(void);

/* Bytes that the host had written by `at_ns`: none reaches the UART before the cycle of that time. */
void board_receive(const uint8_t *bytes, size_t size, int64_t at_ns);
size_t board_room(void);

/* Runs until `cycle`; bytes whose stop bit has ended by then go to port_put(). */
void board_run(uint64_t cycle);

/* The reset button, and the bootloader that holds the chip for `silent_ms` after it. */
void board_reset(double silent_ms);

#endif
