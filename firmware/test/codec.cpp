/* packet.h and queue.h on a PC, behind a fake Stream; tests/firmware/test_firmware.py runs it.
 *
 *   codec decode < BYTES    each packet a device would take, one a line: "TYPE field ..."; then "bad N"
 *   codec encode < LINES    "TYPE width:value ..." (width 1, 2 or 4 bytes) to bytes on the wire, in hex
 *   codec queue             the ring as the interrupt and loop() use it
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <iostream>
#include <sstream>
#include <string>

class Stream {      /* as much of Arduino's as packet.h asks for */
public:
    std::string in, out;

    int available() { return (int)(in.size() - at_); }
    int read() { return at_ < in.size() ? (uint8_t)in[at_++] : -1; }
    size_t write(uint8_t byte) {
        out.push_back((char)byte);
        return 1;
    }
    size_t write(const uint8_t *bytes, size_t size) {
        out.append((const char *)bytes, size);
        return size;
    }

private:
    size_t at_ = 0;
};

#include "../ppg_logger/packet.h"
#include "../ppg_logger/queue.h"

static int decode() {
    Stream stream;
    std::ostringstream all;
    all << std::cin.rdbuf();
    PacketReader reader;
    for (char byte : all.str()) {       /* one at a time, as a UART brings them */
        stream.in.push_back(byte);
        while (reader.read(stream)) {
            const uint8_t type = reader.type(), size = host_payload_size(type);
            printf("%u", type);
            if (size == 1) printf(" %u", reader.u8_at(0));
            if (size == 2) printf(" %u", reader.u16_at(0));
            printf("\n");
        }
    }
    printf("bad %lu\n", (unsigned long)reader.bad_packets);
    return 0;
}

static int encode() {
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        unsigned type, width;
        unsigned long value;
        char colon;
        words >> type;
        PacketWriter packet((uint8_t)type);
        while (words >> width >> colon >> value) {
            if (width == 1) packet.u8((uint8_t)value);
            if (width == 2) packet.u16((uint16_t)value);
            if (width == 4) packet.u32((uint32_t)value);
        }
        Stream stream;
        packet.send(stream);
        for (uint8_t byte : stream.out) printf("%02x", byte);
        printf("\n");
    }
    return 0;
}

static int queue() {
    RingQueue<int, 4> ring;
    int item = -1, next = 0, expected = 0, refused = 0;
    for (int round = 0; round < 1000; round++) {            /* the 8-bit indices wrap several times */
        for (int i = 0; i < round % 7; i++) {
            if (ring.push(next)) next++;
            else refused++;
        }
        for (int i = 0; i < round % 5; i++) {
            if (!ring.pop(item)) break;
            if (item != expected++) return printf("expected %d, got %d\n", expected - 1, item), 1;
        }
    }
    while (ring.pop(item)) expected++;
    printf("kept %d refused %d\n", expected, refused);
    ring.push(1);
    ring.clear();
    return next == expected && refused > 0 && !ring.pop(item) ? 0 : 1;
}

int main(int argc, char **argv) {
    const std::string verb = argc == 2 ? argv[1] : "";
    if (verb == "decode") return decode();
    if (verb == "encode") return encode();
    if (verb == "queue") return queue();
    fprintf(stderr, "usage: codec decode|encode|queue\n");
    return 2;
}
