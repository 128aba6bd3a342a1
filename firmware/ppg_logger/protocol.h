/* Wire protocol, version 1: the one place for types, sizes, baud and rates.
 *
 * 115200 8N1. A packet is COBS-encoded and ends with 0x00. Inside: type (u8), payload (little-endian), CRC-16/CCITT-FALSE
 * (u16, little-endian) over type and payload. acquire/sensor/protocol.py mirrors this file in the same order
 * with the same names, and a test compares the two. docs/protocol.md describes it in prose.
 *
 * Only #define NAME NUMBER lines and comments: it is read by C, by C++ and by that test.
 */
#ifndef ACQ_PROTOCOL_H
#define ACQ_PROTOCOL_H

#define PROTOCOL_VERSION 1
#define BAUD 115200
#define TICK_HZ 2000000          /* the AVR's 16 MHz through a prescaler of 8: 0.5 us */
#define DEFAULT_RATE_HZ 25       /* 25, 50 and 100 divide the 1 kHz conversion rate */
#define CRC_INIT 0xFFFF
#define CRC_POLY 0x1021

/* device to host */
#define TYPE_HELLO 0x01          /* u8 protocol, u8 major, u8 minor, u8 patch, u32 boot_id, u32 tick_hz, u16 rate_hz, u8 adc_bits, u8 sensor */
#define TYPE_SAMPLE 0x02         /* u32 sequence, u32 ticks (middle of the window), u16 value, u8 flags */
#define TYPE_PONG 0x03           /* u16 id, u32 rx_ticks, u32 tx_ticks */
#define TYPE_STATUS 0x04         /* u32 overruns, u32 bad_packets; once a second while sampling */
#define TYPE_LIGHT 0x05          /* u32 ticks (the pin was switched), u8 on */

/* host to device */
#define TYPE_IDENTIFY 0x10       /* empty; answered by HELLO */
#define TYPE_PING 0x11           /* u16 id; answered by PONG */
#define TYPE_START 0x12          /* u16 rate_hz; answered by HELLO with the rate in force; sequence restarts at 0 */
#define TYPE_STOP 0x13           /* empty; answered by HELLO */
#define TYPE_LED 0x14            /* u8 on; answered by LIGHT */

/* payload bytes, without type and CRC */
#define SIZE_HELLO 16
#define SIZE_SAMPLE 11
#define SIZE_PONG 10
#define SIZE_STATUS 8
#define SIZE_LIGHT 5
#define SIZE_IDENTIFY 0
#define SIZE_PING 2
#define SIZE_START 2
#define SIZE_STOP 0
#define SIZE_LED 1
#define MAX_PAYLOAD 16

/* SAMPLE flags */
#define SAMPLE_OVERRUN 0x01      /* samples were lost just before this one: the queue was full */
#define SAMPLE_CLIPPED 0x02      /* a conversion in the window read 0 or full scale */
#define SAMPLE_LED 0x04          /* the LED was on at the middle of the window; with a MAX30102, when it was fetched */
#define SAMPLE_RESTARTED 0x08    /* samples were lost just before this one: the MAX30102 failed and was set up anew */

/* HELLO sensor */
#define SENSOR_ANALOG 0          /* pulse sensor on A0; value = mean of the window scaled to 16 bits: sum * 2^(16-adc_bits) / n */
#define SENSOR_MAX30102 1        /* infrared channel */
#define SENSOR_VIRTUAL 255       /* simulated */

#endif
