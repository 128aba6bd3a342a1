/* ppg_logger: a pulse sensor on an Arduino Uno or Nano, sampled by a timer, stamped and sent in packets. A MAX30102 that
 * answers at boot is the sensor; else it is an analog one on A0.
 *
 * protocol.h is the wire protocol, packet.h its codec, sensor.h the timer and the ADC, max30102.h the other sensor. Here:
 * setup(), and a loop() that answers the host and drains the queue. loop() never waits for the host: what finds no room in
 * the TX buffer is tried again on the next round. It does not sleep either: entering idle mode would start an ADC conversion of its own (datasheet, 10.3).
 */
#include "protocol.h"
#include "packet.h"
#include "sensor.h"
#include "max30102.h"
#include "boot_id.h"

static const uint8_t FIRMWARE_MAJOR = 0, FIRMWARE_MINOR = 2, FIRMWARE_PATCH = 0;
static const uint32_t STATUS_TICKS = TICK_HZ;

static PacketReader from_host;
static bool answer_due;             /* from_host holds a packet that is not answered yet */
static uint32_t rx_ticks;           /* when it was complete */
static uint32_t boot_id;
static uint32_t status_ticks;

static void send_hello() {
    PacketWriter(TYPE_HELLO)
        .u8(PROTOCOL_VERSION).u8(FIRMWARE_MAJOR).u8(FIRMWARE_MINOR).u8(FIRMWARE_PATCH)
        .u32(boot_id).u32(TICK_HZ).u16(sample_rate_hz())
        .u8(part.present ? MAX30102_BITS : ADC_BITS).u8(part.present ? SENSOR_MAX30102 : SENSOR_ANALOG)
        .send(Serial);
}

static void answer() {
    switch (from_host.type()) {
        case TYPE_PING: {
            /* Read last before the first byte is written: tx_ticks may be early, never late. */
            const uint32_t tx_ticks = ticks_now();
            PacketWriter(TYPE_PONG).u16(from_host.u16_at(0)).u32(rx_ticks).u32(tx_ticks).send(Serial);
            return;
        }
        case TYPE_START:
            sensor_stop();
            choose_rate(from_host.u16_at(0));
            if (part.present) max30102_start();
            else adc_start();
            status_ticks = ticks_now();
            break;
        case TYPE_STOP:
            sensor_stop();
            if (part.present) max30102_stop();
            break;
        case TYPE_LED: {
            const uint8_t on = from_host.u8_at(0) ? HIGH : LOW;
            digitalWrite(LED_BUILTIN, on);
            const uint32_t ticks = ticks_now();     /* right after: late by microseconds, never early */
            PacketWriter(TYPE_LIGHT).u32(ticks).u8(on).send(Serial);
            return;
        }
        case TYPE_IDENTIFY:
            break;
    }
    send_hello();
}

void setup() {
    pinMode(LED_BUILTIN, OUTPUT);
    boot_id = next_boot_id();
    sensor_begin();
    max30102_probe();
    Serial.begin(BAUD);
    send_hello();
}

void loop() {
    if (!answer_due && from_host.read(Serial)) {
        rx_ticks = ticks_now();     /* right after its closing zero was read: may be late, never early */
        answer_due = true;
    }
    if (part.present) max30102_service();
    if (Serial.availableForWrite() < MAX_ON_WIRE) return;

    Sample sample;
    if (answer_due) {
        answer();
        answer_due = false;
    } else if (samples.pop(sample)) {
        const uint16_t value = part.present ? sample.reading : adc_value(sample);
        PacketWriter(TYPE_SAMPLE).u32(sample.sequence).u32(sample.ticks).u16(value).u8(sample.flags).send(Serial);
    } else if (sampling && ticks_now() - status_ticks >= STATUS_TICKS) {
        status_ticks += STATUS_TICKS;
        PacketWriter(TYPE_STATUS).u32(overruns_now()).u32(from_host.bad_packets).send(Serial);
    }
}
