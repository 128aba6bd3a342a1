/* A MAX30102 on the two-wire bus, with its INT on D2: infrared, in place of the analog sensor.
 *
 * The part pulses its LED 400 times a second by its own clock, which is a few percent off ours, and puts the mean of n pulses
 * (16, 8 or 4 for 25, 50 or 100 Hz) into a FIFO; INT falls at that instant, and an interrupt notes our ticks. So a sample's stamp
 * is true whatever the part's clock does: the middle of its window lies (n - 1) / 2 pulses and half a pulse's width before
 * the fall, and how long a pulse's period is shows in the time since the fall before. The rate is the part's: 25 Hz may be
 * 24.6.
 *
 * The host takes it that no sample is queued earlier than half a millisecond before its ticks plus half a nominal window. A part
 * that runs fast would break that, so a sample is fetched no earlier than EARLY_TICKS before that instant.
 *
 * One transfer fetches everything: interrupt status, enables, pointers and the sample. Anything but one sample of a part that
 * still holds its settings is a failure: a line without an answer, a stuck bus, a power cut that cleared its registers, an
 * interrupt that did not come, or at an odd time. Then the part is set up anew, ten times a second until it answers; the sequence moves on
 * by the periods that passed, and the next sample has the flag SAMPLE_RESTARTED.
 *
 * Source: MAX30102 datasheet 19-7740 Rev 1, register map and FIFO. It does not specify how long after the last pulse INT falls.
 */
#ifndef ACQ_MAX30102_H
#define ACQ_MAX30102_H

#include "twi.h"

static const uint8_t MAX30102_ADDRESS = 0x57, MAX30102_PART_ID = 0x15;
static const uint8_t MAX30102_BITS = 18;
static const uint32_t MAX30102_FULL_SCALE = (1UL << MAX30102_BITS) - 1;
static const uint16_t PULSE_HZ = 400;
static const uint16_t HALF_PULSE_TICKS = 411 * (TICK_HZ / 1000000) / 2;
static const uint16_t EARLY_TICKS = TICK_HZ / 2500;             /* 0.4 ms, as early as the analog sensor queues its samples */
static const uint32_t RETRY_TICKS = TICK_HZ / 10;

enum {      /* registers */
    INTERRUPT_STATUS_1 = 0x00, INTERRUPT_ENABLE_1 = 0x02, INTERRUPT_ENABLE_2 = 0x03, FIFO_WRITE = 0x04, FIFO_LOST = 0x05,
    FIFO_READ = 0x06, FIFO_DATA = 0x07, FIFO_CONFIG = 0x08, MODE_CONFIG = 0x09, SPO2_CONFIG = 0x0A, LED2_CURRENT = 0x0D,
    SLOTS_12 = 0x11, SLOTS_34 = 0x12, PART_ID = 0xFF
};
static const uint8_t FIFO_SIZE = 32;
static const uint8_t SAMPLE_READY = 0x40;                       /* INTERRUPT_ENABLE_1 */
static const uint8_t SHUT_DOWN = 0x80, MULTI_LED = 0x07;        /* MODE_CONFIG */
static const uint8_t SLOT_INFRARED = 0x02;                      /* LED2 in the first slot, nothing in the other three */
static const uint8_t RANGE_4096NA_400HZ_411US = 0x2F;           /* SPO2_CONFIG: 18 bits */
static const uint8_t LED_6MA = 0x1F;                            /* in steps of 0.2 mA: a finger reads about half of full scale */

static volatile uint32_t fall_ticks;            /* when INT fell last */
static volatile bool fallen;                    /* and that was not looked at yet */

static struct {
    bool present;                               /* found at boot */
    bool up;                                    /* set up and not failed since */
    uint8_t falls;                              /* of INT since it was set up, up to 2 */
    uint8_t flags;                              /* of the next sample */
    uint32_t tried_ticks, heard_ticks;          /* set up last; set up or heard of last */
    uint32_t last_fall;
    uint32_t period;                            /* ticks between the last two falls; nominal before */
    uint32_t sequence, ticks;                   /* of the last sample */
} part;

ISR(INT0_vect) {
    fall_ticks = ticks_now();
    fallen = true;
}

static uint8_t pulses_per_sample() { return PULSE_HZ / sample_rate_hz(); }
static uint32_t nominal_period() { return TICK_HZ / sample_rate_hz(); }

static bool max30102_set(uint8_t reg, uint8_t value) { return twi_write(MAX30102_ADDRESS, reg, value); }

/* Writes everything that the part must hold, whatever it held before; the last write starts it. */
static bool max30102_set_up() {
    uint8_t averaging = 0, id, status;
    while (1 << averaging < pulses_per_sample()) averaging++;
    return twi_read(MAX30102_ADDRESS, PART_ID, &id, 1) && id == MAX30102_PART_ID &&
           max30102_set(MODE_CONFIG, SHUT_DOWN) && max30102_set(INTERRUPT_ENABLE_1, SAMPLE_READY) &&
           max30102_set(INTERRUPT_ENABLE_2, 0) && max30102_set(FIFO_CONFIG, averaging << 5) &&
           max30102_set(SPO2_CONFIG, RANGE_4096NA_400HZ_411US) && max30102_set(LED2_CURRENT, LED_6MA) &&
           max30102_set(SLOTS_12, SLOT_INFRARED) && max30102_set(SLOTS_34, 0) && max30102_set(FIFO_WRITE, 0) &&
           max30102_set(FIFO_LOST, 0) && max30102_set(FIFO_READ, 0) &&
           twi_read(MAX30102_ADDRESS, INTERRUPT_STATUS_1, &status, 1) &&        /* raises INT again */
           max30102_set(MODE_CONFIG, MULTI_LED);
}

static void max30102_try() {
    part.tried_ticks = part.heard_ticks = ticks_now();
    fallen = false;
    part.falls = 0;
    part.up = max30102_set_up();
    if (!part.up) twi_free_bus();
}

static void max30102_failed() {
    part.up = false;
    part.flags |= SAMPLE_RESTARTED;
    part.tried_ticks = ticks_now() - RETRY_TICKS;               /* at once, then every RETRY_TICKS */
}

static void max30102_probe() {
    uint8_t id;
    twi_begin();
    EICRA = _BV(ISC01);                                         /* falling edge of D2 */
    PORTD |= _BV(PD2);                                          /* INT is open drain */
    part.present = twi_read(MAX30102_ADDRESS, PART_ID, &id, 1) && id == MAX30102_PART_ID;
    if (part.present) EIMSK = _BV(INT0);
}

static void max30102_stop() { max30102_set(MODE_CONFIG, SHUT_DOWN); }

/* After sensor_stop() and choose_rate(). */
static void max30102_start() {
    part.flags = 0;
    part.period = nominal_period();
    part.sequence = 0xFFFFFFFF;                                 /* as if one before the first had been sent, */
    part.ticks = ticks_now() + part.period / 2 * 3;             /* in the two periods that only measure the part's clock */
    sampling = true;
    max30102_try();
    if (!part.up) part.flags = SAMPLE_RESTARTED;
}

/* The sample behind a fall of INT at `fall`, `period` after the one before; false: no part that works as it was set up. */
static bool max30102_take(uint32_t fall, uint32_t period, uint32_t ticks) {
    uint8_t bytes[FIFO_DATA + 3];
    if (!twi_read(MAX30102_ADDRESS, INTERRUPT_STATUS_1, bytes, sizeof bytes)) return false;
    if (bytes[INTERRUPT_ENABLE_1] != SAMPLE_READY) return false;        /* its supply dipped: registers are cleared */
    if ((uint8_t)(bytes[FIFO_WRITE] - bytes[FIFO_READ]) % FIFO_SIZE != 1 || bytes[FIFO_LOST]) return false;
    part.heard_ticks = ticks_now();
    const uint32_t change = period > part.period ? period - part.period : part.period - period;
    part.last_fall = fall;
    part.period = period;
    if (part.falls < 2) {                       /* no sample is sent before its period can be compared with one before */
        part.falls++;
        return true;
    }
    if (change > period / 64) return false;     /* a fall that came late, or was none */
    const uint32_t value = ((uint32_t)bytes[FIFO_DATA] << 16 | (uint16_t)bytes[FIFO_DATA + 1] << 8 | bytes[FIFO_DATA + 2]) &
                           MAX30102_FULL_SCALE;
    uint32_t passed = 1;
    if (part.flags & SAMPLE_RESTARTED) passed = (ticks - part.ticks + part.period / 2) / part.period;
    if (value == 0 || value == MAX30102_FULL_SCALE) part.flags |= SAMPLE_CLIPPED;
    if (digitalRead(LED_BUILTIN)) part.flags |= SAMPLE_LED;
    part.sequence += passed ? passed : 1;
    part.ticks = ticks;
    const Sample sample = {part.sequence, ticks, (uint16_t)(value >> (MAX30102_BITS - 16)), part.flags};
    const bool kept = samples.push(sample);
    if (!kept) overruns = overruns + 1;
    part.flags = kept ? 0 : SAMPLE_OVERRUN | (part.flags & SAMPLE_RESTARTED);
    return true;
}

/* Once a round of loop(): 0.4 ms when a sample is there, 0.9 ms when the part is set up, else nothing. */
static void max30102_service() {
    if (!sampling) return;
    const uint32_t now = ticks_now();
    if (!part.up) {
        if (now - part.tried_ticks >= RETRY_TICKS) max30102_try();
        return;
    }
    if (!fallen) {
        if (now - part.heard_ticks > 3 * nominal_period()) max30102_failed();
        return;
    }
    uint32_t fall;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { fall = fall_ticks; }
    const uint32_t period = part.falls ? fall - part.last_fall : part.period;
    const uint32_t ticks = fall - HALF_PULSE_TICKS - period / (2 * pulses_per_sample()) * (pulses_per_sample() - 1);
    if ((int32_t)(now - (ticks + nominal_period() / 2 - EARLY_TICKS)) < 0) return;
    fallen = false;
    if (!max30102_take(fall, period, ticks)) max30102_failed();
}

#endif
