/* Listens to one direction of the wire: cuts the bytes into packets without touching them. */
#ifndef TWIN_TAP_H
#define TWIN_TAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t bytes[64];
    int size;
} tap_t;

/* True: `byte` closed a packet, whose type, payload and CRC are now in tap->bytes[0 .. *size). The CRC is not looked at:
 * no bit flips between here and the simulated UART. */
static inline bool tap_byte(tap_t *tap, uint8_t byte, int *size) {
    if (byte) {
        if (tap->size < (int)sizeof tap->bytes) tap->bytes[tap->size++] = byte;
        return false;
    }
    int from = 0, to = 0;
    const int end = tap->size;
    tap->size = 0;
    while (from < end) {
        const int code = tap->bytes[from++];
        if (from + code - 1 > end) return false;
        for (int i = 1; i < code; i++) tap->bytes[to++] = tap->bytes[from++];
        if (from < end) tap->bytes[to++] = 0;
    }
    *size = to;
    return to >= 3;
}

#endif
