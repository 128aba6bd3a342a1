/* Packets over any Stream: COBS framing, CRC-16/CCITT-FALSE, a reader and a writer. Header only, no heap, no Arduino
 * dependency but Stream, so a PC compiles the same code around a fake one (firmware/test/codec.cpp).
 *
 * COBS (Cheshire and Baker, IEEE/ACM Trans. Networking 7(2), 1999) rewrites a packet without zeros, so that a zero always
 * and only ends one: a reader that lost its place is back at the next zero, at a cost of one byte a packet.
 */
#ifndef ACQ_PACKET_H
#define ACQ_PACKET_H

#include <stdint.h>

#include "protocol.h"

static const uint8_t MAX_BODY = 1 + MAX_PAYLOAD + 2;    /* type, payload, CRC */
static const uint8_t MAX_ENCODED = MAX_BODY + 1;        /* and one COBS code byte; shorter than 254, so never a second */
static const uint8_t MAX_ON_WIRE = MAX_ENCODED + 1;     /* and the closing zero */

inline uint16_t crc16(const uint8_t *data, uint8_t size) {
    uint16_t crc = CRC_INIT;
    while (size--) {
        crc ^= (uint16_t)*data++ << 8;
        for (uint8_t bit = 0; bit < 8; bit++) crc = (crc & 0x8000) ? (crc << 1) ^ CRC_POLY : crc << 1;
    }
    return crc;
}

/* Bytes that `type` carries; 255 for a type that the device does not take. */
inline uint8_t host_payload_size(uint8_t type) {
    switch (type) {
        case TYPE_IDENTIFY: return SIZE_IDENTIFY;
        case TYPE_PING: return SIZE_PING;
        case TYPE_START: return SIZE_START;
        case TYPE_STOP: return SIZE_STOP;
        case TYPE_LED: return SIZE_LED;
        default: return 255;
    }
}

/* Builds one packet field by field, then writes it: PacketWriter(TYPE_PONG).u16(id).u32(rx).u32(tx).send(Serial). */
class PacketWriter {
public:
    explicit PacketWriter(uint8_t type) : size_(1) { body_[0] = type; }

    PacketWriter &u8(uint8_t v) {
        if (size_ < 1 + MAX_PAYLOAD) body_[size_++] = v;
        return *this;
    }
    PacketWriter &u16(uint16_t v) { return u8(v).u8(v >> 8); }
    PacketWriter &u32(uint32_t v) { return u16(v).u16(v >> 16); }

    /* Writes MAX_ON_WIRE bytes at most. Blocks only where the caller did not ask availableForWrite() first. */
    void send(Stream &out) {
        const uint16_t crc = crc16(body_, size_);
        body_[size_++] = crc;
        body_[size_++] = crc >> 8;
        uint8_t start = 0;
        for (uint8_t at = 0; at <= size_; at++) {           /* the end counts as one more zero */
            if (at < size_ && body_[at] != 0) continue;
            out.write((uint8_t)(at - start + 1));
            out.write(body_ + start, at - start);
            start = at + 1;
        }
        out.write((uint8_t)0);
    }

private:
    uint8_t body_[MAX_BODY];
    uint8_t size_;
};

/* Cuts what comes in into packets; what is not one is counted and skipped. */
class PacketReader {
public:
    PacketReader() : bad_packets(0), size_(0), too_long_(false) {}

    uint32_t bad_packets;

    /* Reads until a packet is whole or nothing is left. True: type(), u8_at() and u16_at() hold it until the next read(). */
    bool read(Stream &in) {
        while (in.available() > 0) {
            const uint8_t byte = in.read();
            if (byte != 0) {
                if (size_ < MAX_ENCODED) buffer_[size_++] = byte;
                else too_long_ = true;
                continue;
            }
            const bool idle = size_ == 0 && !too_long_;     /* two zeros in a row: nothing between them */
            const bool good = !too_long_ && decode();
            size_ = 0;
            too_long_ = false;
            if (good) return true;
            if (!idle) bad_packets++;
        }
        return false;
    }

    uint8_t type() const { return buffer_[0]; }
    uint8_t u8_at(uint8_t offset) const { return buffer_[1 + offset]; }
    uint16_t u16_at(uint8_t offset) const { return u8_at(offset) | (uint16_t)u8_at(offset + 1) << 8; }

private:
    /* COBS in place: the decoded byte lands at or before the encoded one. */
    bool decode() {
        uint8_t from = 0, to = 0;
        while (from < size_) {
            const uint8_t code = buffer_[from++];
            if (from + code - 1 > size_) return false;
            for (uint8_t i = 1; i < code; i++) buffer_[to++] = buffer_[from++];
            if (from < size_) buffer_[to++] = 0;
        }
        if (to < 3 || host_payload_size(buffer_[0]) != to - 3) return false;
        return crc16(buffer_, to - 2) == (uint16_t)(buffer_[to - 2] | (uint16_t)buffer_[to - 1] << 8);
    }

    uint8_t buffer_[MAX_ENCODED];
    uint8_t size_;
    bool too_long_;
};

#endif
