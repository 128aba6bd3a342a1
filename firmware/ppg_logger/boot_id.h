/* A number that differs between any two boots of a board, so that the host can tell a reset from a lost packet.
 *
 * A counter in EEPROM, one up at each boot, with or without loss of power. Its first value is random, so that two boards
 * differ too. EEPROM cells last 100,000 writes: the counter walks through BOOT_SLOTS slots, each with its CRC, so that a
 * board stands 3 million boots, and a write torn by a power cut leaves the slot before it in force.
 */
#ifndef ACQ_BOOT_ID_H
#define ACQ_BOOT_ID_H

#include <avr/eeprom.h>

#include "packet.h"

static const uint8_t BOOT_SLOTS = 32;

struct BootSlot {
    uint32_t boots;
    uint16_t crc;
};

/* SRAM wakes from power-up in a random pattern, and nothing has yet written between the heap and the stack. */
static uint32_t power_up_noise() {
    extern uint8_t __heap_start;
    uint32_t hash = 2166136261UL;               /* FNV-1a */
    for (const uint8_t *p = &__heap_start; p < (const uint8_t *)SP; p++) hash = (hash ^ *p) * 16777619UL;
    return hash;
}

static uint32_t next_boot_id() {
    BootSlot slot;
    bool found = false;
    uint32_t last = 0;
    for (uint8_t i = 0; i < BOOT_SLOTS; i++) {
        eeprom_read_block(&slot, (const void *)(i * sizeof slot), sizeof slot);
        if (slot.crc != crc16((const uint8_t *)&slot.boots, sizeof slot.boots)) continue;
        if (!found || slot.boots > last) last = slot.boots;
        found = true;
    }
    if (!found) last = power_up_noise() >> 1;   /* 31 bits: the counter never wraps in the life of the board */
    slot.boots = last + 1;
    slot.crc = crc16((const uint8_t *)&slot.boots, sizeof slot.boots);
    eeprom_update_block(&slot, (void *)((slot.boots % BOOT_SLOTS) * sizeof slot), sizeof slot);
    return slot.boots;
}

#endif
