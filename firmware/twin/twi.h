/* The chip's two-wire interface as a master, and the bus behind it with one slave, the MAX30102.
 *
 * In place of simavr's own, for which a START takes no time, and a bus that is stuck does not exist.
 */
#ifndef TWIN_TWI_H
#define TWIN_TWI_H

#include <stdbool.h>

#include <sim_avr.h>

void twi_open(avr_t *avr);
void twi_reset(void);

/* A slave holds SDA low, or lets go: no transfer begins or ends while it does. */
void twi_hold_sda(bool low);

#endif
