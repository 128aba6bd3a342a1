/* The timer, its ticks, the queue of samples, and the analog sensor on the ADC.
 *
 * Timer1 counts TICK_HZ and restarts every millisecond. Its Compare Match B starts an ADC conversion in hardware, so the
 * instant of sampling never waits for an interrupt: it has no jitter beyond the crystal's. The ADC interrupt about 0.1 ms
 * later only collects the result.
 *
 * A window is n = CONVERSION_HZ / rate conversions, one a millisecond; each stands for the millisecond around it, so windows
 * tile time without gap or overlap, last exactly one sample period, and at 25 Hz (40 ms) and 50 Hz (20 ms) hold whole
 * periods of 50 Hz mains hum, which cancels. The middle of the window, a sample's ticks, is midway between the
 * instants at which its first and its last conversion held their input.
 */
#ifndef ACQ_SENSOR_H
#define ACQ_SENSOR_H

#include <Arduino.h>
#include <util/atomic.h>

#include "protocol.h"
#include "queue.h"

#ifndef __AVR_ATmega328P__
#error "ppg_logger programs the timer and the ADC of an ATmega328P: choose an Arduino Uno or Nano"
#endif

static const uint16_t CONVERSION_HZ = 1000;
static const uint16_t PERIOD_TICKS = TICK_HZ / CONVERSION_HZ;
static const uint8_t ADC_BITS = 10;
static const uint16_t ADC_FULL_SCALE = 1023;
static const uint8_t QUEUE_SIZE = 16;           /* 160 ms at 100 Hz, against 11 ms that a full TX buffer takes to drain */

/* Half a period after the tick counter's own interrupt, so that neither of the two interrupts ever waits for the other. */
static const uint16_t TRIGGER_TICKS = PERIOD_TICKS / 2;
/* From the compare match to the hold: two ADC clocks of 8 us (ATmega328P datasheet, table 24-1, auto-triggered
 * conversions) and three CPU cycles of synchronisation: 16.2 us, 32 ticks. */
static const uint8_t HOLD_TICKS = 32;

struct Sample {
    uint32_t sequence;
    uint32_t ticks;
    uint16_t reading;                           /* sum of the window's conversions, 40 * 1023 at most; or a MAX30102's value */
    uint8_t flags;
};

static RingQueue<Sample, QUEUE_SIZE> samples;
static volatile uint32_t tick_base;             /* ticks when Timer1 last restarted */
static volatile uint32_t overruns;
static volatile bool sampling;
static volatile uint8_t conversions_per_window = CONVERSION_HZ / DEFAULT_RATE_HZ;

static struct {
    uint32_t sequence;
    uint16_t sum;
    uint8_t filled;                             /* conversions so far */
    uint8_t flags;
} window;                                       /* the ADC interrupt's own */

static const uint8_t ADC_READY = _BV(ADEN) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);  /* 125 kHz */

ISR(TIMER1_COMPA_vect) { tick_base += PERIOD_TICKS; }

/* The ADC starts on the rising edge of the compare flag; entering this interrupt is what lowers it again. */
EMPTY_INTERRUPT(TIMER1_COMPB_vect)

ISR(ADC_vect) {
    const uint16_t counts = ADC;
    if (!sampling) return;
    if (counts == 0 || counts >= ADC_FULL_SCALE) window.flags |= SAMPLE_CLIPPED;
    if (window.filled == conversions_per_window / 2 && digitalRead(LED_BUILTIN)) window.flags |= SAMPLE_LED;
    window.sum += counts;
    if (++window.filled < conversions_per_window) return;

    /* Still in the millisecond of the trigger: 0.4 ms are left until tick_base moves on. */
    const uint32_t last_hold = tick_base + TRIGGER_TICKS + HOLD_TICKS;
    const uint32_t half_span = (uint32_t)(conversions_per_window - 1) * (PERIOD_TICKS / 2);
    const Sample sample = {window.sequence++, last_hold - half_span, window.sum, window.flags};
    const bool kept = samples.push(sample);
    if (!kept) overruns = overruns + 1;         /* the sequence moved on: the host sees the hole */
    window.flags = kept ? 0 : SAMPLE_OVERRUN;   /* and the next sample's flag gives the reason */
    window.sum = 0;
    window.filled = 0;
}

/* Ticks since boot, modulo 2^32 (36 minutes). */
static uint32_t ticks_now() {
    uint32_t ticks;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        /* The counter first: if it restarts after this line it reads high and the flag below is not meant; if it
         * restarted just before, with its interrupt still waiting, it reads low and the flag is set by then. */
        const uint16_t count = TCNT1;
        ticks = tick_base + count;
        if ((TIFR1 & _BV(OCF1A)) && count < PERIOD_TICKS / 2) ticks += PERIOD_TICKS;
    }
    return ticks;
}

static uint32_t overruns_now() {
    uint32_t n;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { n = overruns; }
    return n;
}

static void sensor_begin() {
    ADMUX = _BV(REFS0);                         /* A0 against the 5 V supply, which also feeds the pulse sensor */
    ADCSRB = _BV(ADTS2) | _BV(ADTS0);           /* trigger: Timer1 Compare Match B, once ADATE is set */
    ADCSRA = ADC_READY | _BV(ADSC);             /* the first conversion after power-up takes twice as long: have it now */
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        TCCR1B = 0;                             /* the Arduino core left it running as PWM */
        TCCR1A = 0;
        TCNT1 = 0;
        OCR1A = PERIOD_TICKS - 1;
        OCR1B = TRIGGER_TICKS - 1;              /* a match raises its flag one tick later */
        TIFR1 = _BV(OCF1A) | _BV(OCF1B);
        TIMSK1 = _BV(OCIE1A) | _BV(OCIE1B);
        TCCR1B = _BV(WGM12) | _BV(CS11);        /* restart at OCR1A, clock / 8 */
    }
}

static void sensor_stop() {
    ADCSRA = ADC_READY;                         /* no more triggers ... */
    sampling = false;
    while (ADCSRA & _BV(ADSC)) {}               /* ... and the conversion under way, 0.1 ms at most, is not counted */
    samples.clear();
}

/* A rate that is not offered leaves the one in force. */
static void choose_rate(uint16_t rate_hz) {
    if (rate_hz == 25 || rate_hz == 50 || rate_hz == 100) conversions_per_window = CONVERSION_HZ / rate_hz;
}

/* After sensor_stop(): the analog sensor, from a fresh window at sequence 0. */
static void adc_start() {
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {         /* also keeps the compiler from moving these behind the line after them */
        window.sequence = 0;
        window.sum = 0;
        window.filled = 0;
        window.flags = 0;
        sampling = true;
    }
    ADCSRA = ADC_READY | _BV(ADATE);
}

static uint16_t sample_rate_hz() { return CONVERSION_HZ / conversions_per_window; }

/* The mean of the window, scaled to 16 bits. Here and not in the interrupt: a 32-bit division takes 40 us. */
static uint16_t adc_value(const Sample &sample) {
    return ((uint32_t)sample.reading << (16 - ADC_BITS)) / conversions_per_window;
}

#endif
