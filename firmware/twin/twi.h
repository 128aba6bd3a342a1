/* The two-wire interface of the ATmega328P as a master, and the bus behind it, with room for one slave.
 *
 * It replaces simavr's own, where a START takes no time and no slave can hold the bus.
 */
#ifndef TWIN_TWI_H
#define TWIN_TWI_H

#include <stdbool.h>
#include <stdint.h>

#include <sim_avr.h>

/* What a slave does when the master speaks to it. */
typedef struct {
    bool (*address)(uint8_t address, bool read);    /* true: it acknowledges */
    bool (*write)(uint8_t byte);                    /* true: it acknowledges */
    uint8_t (*read)(void);
    void (*clocked)(void);                          /* the firmware has pulled SCL low by the pin, not by a transfer */
} twi_slave_t;

void twi_open(avr_t *avr);
void twi_attach(const twi_slave_t *slave);          /* before that nothing acknowledges */
void twi_reset(void);

/* A slave holds SDA low, or lets it go: no transfer begins or ends while it is low. */
void twi_hold_sda(bool low);

#endif
