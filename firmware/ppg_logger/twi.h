/* Master of the two-wire bus (I2C) at 400 kHz, by its registers: SDA is A4, SCL is A5.
 *
 * Not the Wire library: that waits for ever on a bus that is stuck. Here every wait ends after TWI_TIMEOUT_TICKS, and a
 * transfer that fails says so. A byte takes 22.5 us; loop() waits for it.
 */
#ifndef ACQ_TWI_H
#define ACQ_TWI_H

#include <util/twi.h>

#include "sensor.h"

static const uint32_t TWI_HZ = 400000;
static const uint16_t TWI_TIMEOUT_TICKS = TICK_HZ / 5000;       /* 0.2 ms, nine byte times */
static const uint8_t TWI_HALF_CLOCK_TICKS = 10;                 /* 5 us: a bus is freed at 100 kHz */
static const uint8_t SDA_PIN = _BV(PC4), SCL_PIN = _BV(PC5);

static void twi_begin() {
    PORTC |= SDA_PIN | SCL_PIN;         /* the chip's own weak pull-ups, so that a bus with nothing on it is a free one */
    TWSR = 0;                           /* prescaler 1 */
    TWBR = (F_CPU / TWI_HZ - 16) / 2;
    TWCR = _BV(TWEN);
}

/* Starts what `control` says and waits for its end. */
static bool twi_step(uint8_t control, uint8_t expected) {
    TWCR = _BV(TWINT) | _BV(TWEN) | control;
    const uint32_t began = ticks_now();
    while (!(TWCR & _BV(TWINT)))
        if (ticks_now() - began > TWI_TIMEOUT_TICKS) return false;
    return TW_STATUS == expected;
}

static bool twi_put(uint8_t byte, uint8_t expected) {
    TWDR = byte;
    return twi_step(0, expected);
}

/* False: the bus did not become free. */
static bool twi_stop() {
    TWCR = _BV(TWINT) | _BV(TWEN) | _BV(TWSTO);
    const uint32_t began = ticks_now();
    while (TWCR & _BV(TWSTO))
        if (ticks_now() - began > TWI_TIMEOUT_TICKS) return false;
    return true;
}

static bool twi_write(uint8_t address, uint8_t reg, uint8_t value) {
    const bool taken = twi_step(_BV(TWSTA), TW_START) && twi_put(address << 1 | TW_WRITE, TW_MT_SLA_ACK) &&
                       twi_put(reg, TW_MT_DATA_ACK) && twi_put(value, TW_MT_DATA_ACK);
    return twi_stop() && taken;
}

/* Reads `size` registers in a row, from `reg` on. */
static bool twi_read(uint8_t address, uint8_t reg, uint8_t *bytes, uint8_t size) {
    bool whole = twi_step(_BV(TWSTA), TW_START) && twi_put(address << 1 | TW_WRITE, TW_MT_SLA_ACK) &&
                 twi_put(reg, TW_MT_DATA_ACK) && twi_step(_BV(TWSTA), TW_REP_START) &&
                 twi_put(address << 1 | TW_READ, TW_MR_SLA_ACK);
    for (uint8_t i = 0; whole && i < size; i++) {
        const bool last = i == size - 1;
        whole = twi_step(last ? 0 : _BV(TWEA), last ? TW_MR_DATA_NACK : TW_MR_DATA_ACK);
        bytes[i] = TWDR;
    }
    return twi_stop() && whole;
}

static void twi_half_clock() {
    const uint32_t began = ticks_now();
    while (ticks_now() - began < TWI_HALF_CLOCK_TICKS) {}
}

/* Open drain: a line is pulled low, or let go to its pull-up. */
static void twi_line(uint8_t pin, bool high) {
    if (!high) PORTC &= ~pin;
    if (high) DDRC &= ~pin;
    else DDRC |= pin;
    if (high) PORTC |= pin;
    twi_half_clock();
}

/* Frees a bus whose slave lost count within a byte and holds SDA low: it lets go after at most nine clocks; then a STOP. */
static void twi_free_bus() {
    TWCR = 0;                           /* the pins are ours */
    for (uint8_t clock = 0; clock < 9; clock++) {
        twi_line(SCL_PIN, false);
        twi_line(SCL_PIN, true);
    }
    twi_line(SDA_PIN, false);
    twi_line(SDA_PIN, true);
    twi_begin();
}

#endif
