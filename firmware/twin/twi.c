#include "twi.h"

#include <stddef.h>

#include <avr_ioport.h>

enum { REG_TWBR = 0xB8, REG_TWSR = 0xB9, REG_TWDR = 0xBB, REG_TWCR = 0xBC };
enum { TWINT = 0x80, TWEA = 0x40, TWSTA = 0x20, TWSTO = 0x10, TWEN = 0x04 };
enum { NOTHING = 0xF8, START = 0x08, REP_START = 0x10 };            /* TWSR, datasheet tables 22-2 and 22-3 */
enum { MT_SLA_ACK = 0x18, MT_SLA_NACK = 0x20, MT_DATA_ACK = 0x28, MT_DATA_NACK = 0x30 };
enum { MR_SLA_ACK = 0x40, MR_SLA_NACK = 0x48, MR_DATA_ACK = 0x50, MR_DATA_NACK = 0x58 };
enum { PIN_SDA = 4, PIN_SCL = 5 };

static avr_t *avr;
static const twi_slave_t *slave;
static enum { IDLE, STARTED, WRITING, READING } phase;
static bool sda_low, scl_was_low;
static uint8_t control;                 /* what is under way */

static uint32_t cycles(int bits) {
    return bits * (16 + 2 * avr->data[REG_TWBR] * (1 << 2 * (avr->data[REG_TWSR] & 3)));
}

static void status(uint8_t value) { avr->data[REG_TWSR] = (avr->data[REG_TWSR] & 3) | value; }

static uint8_t byte_status(void) {
    const uint8_t byte = avr->data[REG_TWDR];
    if (phase == STARTED) {
        const bool read = byte & 1, taken = slave && slave->address(byte >> 1, read);
        phase = read ? READING : WRITING;
        return read ? (taken ? MR_SLA_ACK : MR_SLA_NACK) : taken ? MT_SLA_ACK : MT_SLA_NACK;
    }
    if (phase == WRITING) return slave && slave->write(byte) ? MT_DATA_ACK : MT_DATA_NACK;
    avr->data[REG_TWDR] = slave ? slave->read() : 0xFF;
    return control & TWEA ? MR_DATA_ACK : MR_DATA_NACK;
}

static avr_cycle_count_t done(avr_t *chip, avr_cycle_count_t when, void *param) {
    (void)chip, (void)when, (void)param;
    if (sda_low) return 0;
    if (control & TWSTO) {
        phase = IDLE;
        status(NOTHING);
        avr->data[REG_TWCR] &= ~TWSTO;
        return 0;
    }
    if (control & TWSTA) {
        status(phase == IDLE ? START : REP_START);
        phase = STARTED;
    } else if (phase != IDLE) status(byte_status());
    avr->data[REG_TWCR] |= TWINT;
    return 0;
}

static void control_written(avr_t *chip, avr_io_addr_t addr, uint8_t value, void *param) {
    (void)addr, (void)param;
    avr_cycle_timer_cancel(chip, done, NULL);
    avr->data[REG_TWCR] = (value & ~TWINT) | (value & TWINT ? 0 : avr->data[REG_TWCR] & TWINT);
    if (!(value & TWEN)) twi_reset();
    else if (value & TWINT) {
        control = value;
        avr_cycle_timer_register(avr, cycles(value & (TWSTA | TWSTO) ? 1 : 9), done, NULL);
    }
}

/* The firmware drives the pins itself: each time that it pulls SCL low is a clock for the slave that holds SDA. */
static void direction_written(avr_irq_t *irq, uint32_t pins, void *param) {
    (void)irq, (void)param;
    const bool low = pins >> PIN_SCL & 1;
    if (low && !scl_was_low && slave) slave->clocked();
    scl_was_low = low;
}

void twi_attach(const twi_slave_t *chip) { slave = chip; }

void twi_hold_sda(bool low) {
    sda_low = low;
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('C'), PIN_SDA), !low);
}

void twi_reset(void) {
    phase = IDLE;
    status(NOTHING);
}

void twi_open(avr_t *chip) {
    avr = chip;
    avr->io[AVR_DATA_TO_IO(REG_TWCR)].w.c = control_written;
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('C'), IOPORT_IRQ_DIRECTION_ALL), direction_written, NULL);
    twi_hold_sda(false);
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('C'), PIN_SCL), 1);
}
