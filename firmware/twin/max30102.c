#include "max30102.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <avr_ioport.h>

#include "twi.h"

enum { ADDRESS = 0x57, PART_ID = 0x15, FIFO_SIZE = 32, PIN_INT = 2, STUCK_CLOCKS = 9, FAULTS = 8 };
enum { STATUS_1, STATUS_2, ENABLE_1, ENABLE_2, WRITE, LOST, READ, DATA, FIFO, MODE, SPO2, LED2 = 0x0D, SLOTS_12 = 0x11, ID = 0xFF };
enum { SAMPLE_READY = 0x40, POWER_READY = 0x01, SHUT_DOWN = 0x80, RESET = 0x40, MULTI_LED = 7, INFRARED = 2, ROLLOVER = 0x10 };
static const int RATE_HZ[8] = {50, 100, 200, 400, 800, 1000, 1600, 3200}, WIDTH_US[4] = {69, 118, 215, 411};
static const double FULL_SCALE = (1 << 18) - 1;

enum kind { ABSENT, NACK, STUCK, POWER, WIRE };
static const char *const KINDS[] = {"absent", "nack", "stuck", "power", "wire"};

static avr_t *avr;
static max30102_options_t options;
static double clock_hz;                     /* cycles of the board in a second of the part's own time */
static struct { enum kind kind; double at_s, for_s; uint64_t from, to; } faults[FAULTS];     /* from, to: cycles, once open */
static size_t fault_count;

static uint8_t reg[256], pointer;
static bool pointed;                        /* the register's number has come since the address */
static uint32_t fifo[FIFO_SIZE];
static int byte_of_sample, clocks_seen;
static double next_pulse, sum;              /* cycle of the next pulse's end; of the pulses so far */
static int pulses;
static uint64_t first_pulse;                /* cycle of the middle of the window's first pulse */

static bool holds(enum kind kind) {
    for (size_t i = 0; i < fault_count; i++)
        if (faults[i].kind == kind && avr->cycle >= faults[i].from && avr->cycle < faults[i].to) return true;
    return false;
}

bool max30102_fault(const char *text) {
    char kind[16];
    double at_s, for_s = 0;
    if (fault_count == FAULTS || sscanf(text, "%15[a-z]@%lf:%lf", kind, &at_s, &for_s) < 2 || at_s < 0 || for_s < 0) return false;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        if (strcmp(kind, KINDS[i])) continue;
        faults[fault_count].kind = i;
        faults[fault_count].at_s = at_s;
        faults[fault_count++].for_s = for_s;
        return true;
    }
    return false;
}

static void show_int(void) {
    const bool low = !holds(ABSENT) && !holds(WIRE) && (reg[STATUS_1] & (reg[ENABLE_1] | POWER_READY));
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('D'), PIN_INT), !low);
}

static avr_cycle_count_t pulse(avr_t *chip, avr_cycle_count_t when, void *param);

static void wake(void) {
    memset(reg, 0, sizeof reg);
    reg[ID] = PART_ID;
    reg[STATUS_1] = POWER_READY;
    avr_cycle_timer_cancel(avr, pulse, NULL);
    show_int();
}

static double pulse_cycles(void) { return clock_hz / RATE_HZ[reg[SPO2] >> 2 & 7]; }

static void keep(double value, uint64_t middle) {
    const uint8_t next = (reg[WRITE] + 1) % FIFO_SIZE;
    if (next == reg[READ] && !(reg[FIFO] & ROLLOVER)) {
        if (reg[LOST] < 31) reg[LOST]++;
        return;
    }
    fifo[reg[WRITE]] = (uint32_t)value;
    reg[WRITE] = next;
    reg[STATUS_1] |= SAMPLE_READY;
    options.sampled(middle, value);
    show_int();
}

/* The end of a pulse. */
static avr_cycle_count_t pulse(avr_t *chip, avr_cycle_count_t when, void *param) {
    (void)chip, (void)param;
    const int averaged = 1 << (reg[FIFO] >> 5 & 7);
    const double width = WIDTH_US[reg[SPO2] & 3] * 1e-6 * clock_hz;
    const uint64_t middle = (uint64_t)(when - width / 2);
    const bool lit = reg[MODE] == MULTI_LED && reg[SLOTS_12] == INFRARED && reg[LED2];
    if (pulses == 0) first_pulse = middle;
    sum += lit ? options.light(middle) * FULL_SCALE : 0;
    if (++pulses == averaged) {
        if (!holds(ABSENT)) keep(floor(sum / averaged), (first_pulse + middle) / 2);
        sum = pulses = 0;
    }
    next_pulse += pulse_cycles();
    return (avr_cycle_count_t)next_pulse;
}

static void mode_written(void) {
    if (reg[MODE] & RESET) wake();
    avr_cycle_timer_cancel(avr, pulse, NULL);
    if ((reg[MODE] & SHUT_DOWN) || (reg[MODE] & 7) != MULTI_LED) return;
    sum = pulses = 0;
    next_pulse = avr->cycle + pulse_cycles();
    avr_cycle_timer_register(avr, (avr_cycle_count_t)pulse_cycles(), pulse, NULL);
}

static bool addressed(uint8_t address, bool read) {
    pointed = read;
    byte_of_sample = 0;
    return address == ADDRESS && !holds(ABSENT) && !(read && holds(NACK));
}

static bool written(uint8_t byte) {
    if (holds(ABSENT)) return false;
    if (!pointed) {
        pointer = byte;
        pointed = true;
        return true;
    }
    reg[pointer] = byte;
    if (pointer == MODE) mode_written();
    if (pointer != DATA) pointer++;
    show_int();
    return true;
}

static uint8_t read_out(void) {
    if (holds(ABSENT)) return 0xFF;
    if (pointer != DATA) {
        const uint8_t value = reg[pointer];
        if (pointer == STATUS_1) reg[STATUS_1] = 0;
        pointer++;
        show_int();
        return value;
    }
    static uint32_t sample;
    if (byte_of_sample == 0) {              /* the pointer moves with the first byte of three */
        sample = fifo[reg[READ]];
        if (reg[READ] != reg[WRITE]) reg[READ] = (reg[READ] + 1) % FIFO_SIZE;
        reg[STATUS_1] &= ~SAMPLE_READY;
        show_int();
    }
    const uint8_t value = sample >> (16 - 8 * byte_of_sample);
    byte_of_sample = (byte_of_sample + 1) % 3;
    return value;
}

static void clocked(void) {
    if (++clocks_seen >= STUCK_CLOCKS && !holds(STUCK)) twi_hold_sda(false);
}

static avr_cycle_count_t fault_begins(avr_t *chip, avr_cycle_count_t when, void *param) {
    (void)chip, (void)when;
    const enum kind kind = faults[(size_t)param].kind;
    if (kind == POWER) wake();
    if (kind == STUCK) {
        clocks_seen = 0;
        twi_hold_sda(true);
    }
    show_int();
    return 0;
}

static avr_cycle_count_t fault_ends(avr_t *chip, avr_cycle_count_t when, void *param) {
    (void)chip, (void)when;
    if (faults[(size_t)param].kind == ABSENT) wake();
    show_int();
    return 0;
}

void max30102_open(avr_t *chip, const max30102_options_t *from) {
    static const twi_slave_t slave = {addressed, written, read_out, clocked};
    avr = chip;
    options = *from;
    clock_hz = avr->frequency / (1 + options.ppm * 1e-6);
    twi_attach(&slave);
    wake();
    for (size_t i = 0; i < fault_count; i++) {
        faults[i].from = (uint64_t)(faults[i].at_s * avr->frequency);
        faults[i].to = (uint64_t)((faults[i].at_s + faults[i].for_s) * avr->frequency);
        avr_cycle_timer_register(avr, faults[i].from + 1, fault_begins, (void *)i);
        avr_cycle_timer_register(avr, faults[i].to + 2, fault_ends, (void *)i);
    }
}
