#define _GNU_SOURCE
#include "board.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <avr_adc.h>
#include <avr_eeprom.h>
#include <avr_ioport.h>
#include <avr_uart.h>
#include <sim_avr.h>
#include <sim_elf.h>
#include <sim_io.h>

#include "../ppg_logger/protocol.h"
#include "port.h"
#include "max30102.h"
#include "tap.h"
#include "truth.h"
#include "twi.h"
#include "fail.h"

/* Data space addresses and vectors of the ATmega328P; avr/io.h cannot be included beside the host's headers. */
enum { REG_TCCR1B = 0x81, REG_ADCSRA = 0x7A, REG_ADCSRB = 0x7B, REG_UCSR0A = 0xC0, REG_UBRR0L = 0xC4, REG_UBRR0H = 0xC5, SRAM = 0x100 };
enum { CLOCK_BY_8 = 2, BIT_ADATE = 1 << 5, BIT_U2X0 = 1 << 1, ADTS_TIMER1_COMPARE_B = 5, VECTOR_TIMER1_COMPARE_B = 12 };
enum { EEPROM_BYTES = 1024, VCC_MV = 5000, ADC_FULL_SCALE = 1023, QUEUE = 4096 };

/* From trigger to hold: two ADC clocks of 128 cycles and three to synchronise (datasheet, table 24-1). simavr has no
 * sample-and-hold of its own, so the twin converts the waveform as it will be at that instant. */
#define HOLD_CYCLES (2 * 128 + 3)

static board_options_t options;
static avr_t *avr;
static avr_uart_t *uart;
static int64_t anchor_ns;
static double ns_per_cycle;
static int64_t play_ns = INT64_MAX;         /* host time of the waveform's zero; not started yet */
static uint64_t silent_until;
static tap_t from_host, from_device;
static bool compare_was, adate_was;         /* levels, to see edges */
static uint64_t longest_off;                /* cycles without the I flag, and where that began */
static uint32_t longest_off_pc;

static struct { uint8_t byte; uint64_t cycle; } rx[QUEUE], tx[QUEUE];   /* when it may start in; when its stop bit ends */
static size_t rx_head, rx_tail, tx_head, tx_tail;
static uint64_t tx_free;                                                /* the line out is busy until then */

int64_t board_time_ns(uint64_t cycle) { return anchor_ns + (int64_t)ceil(cycle * ns_per_cycle); }

uint64_t board_cycle_at(int64_t time_ns) {
    uint64_t cycle = time_ns <= anchor_ns ? 0 : (uint64_t)((time_ns - anchor_ns) / ns_per_cycle);
    while (board_time_ns(cycle) < time_ns) cycle++;
    return cycle;
}

uint64_t board_cycle(void) { return avr->cycle; }

/* ---- ADC */

/* simavr does not know this trigger source (nor does its ADC see the timer): wire the compare flag to the ADC. Like the
 * chip, only its rising edge starts a conversion, so a firmware that never lowers the flag gets one and no more. */
static void compare_flag(avr_irq_t *irq, uint32_t raised, void *param) {
    (void)irq, (void)param;
    if (raised && !compare_was && (avr->data[REG_ADCSRB] & 7) == ADTS_TIMER1_COMPARE_B)
        avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_IN_TRIGGER), 1);
    compare_was = raised;
}

/* The firmware's ticks begin when it lets Timer1 run at a tick a count; the Arduino core has done so for a moment before. */
static void tccr1b_written(avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq, (void)param;
    if ((value & 7) == CLOCK_BY_8) truth_ticks(board_time_ns(avr->cycle));
}

static void adcsra_written(avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq, (void)param;
    if ((value & BIT_ADATE) && !adate_was) truth_armed();
    adate_was = value & BIT_ADATE;
}

/* The waveform at a cycle, in ADC counts. */
static double counts_at(uint64_t cycle) {
    return wave_at(&options.wave, play_ns == INT64_MAX ? 0 : (board_time_ns(cycle) - play_ns) * 1e-9);
}

static double light_at(uint64_t cycle) { return counts_at(cycle) / ADC_FULL_SCALE; }

static void part_sampled(uint64_t middle, double value) { truth_part(board_time_ns(middle), value); }

static void conversion_started(avr_irq_t *irq, uint32_t mux, void *param) {
    (void)irq, (void)mux, (void)param;
    const int64_t hold_ns = board_time_ns(avr->cycle + HOLD_CYCLES);
    const uint32_t counts = lround(counts_at(avr->cycle + HOLD_CYCLES));
    /* The least millivolts that simavr converts, rounding down, to exactly these counts. */
    const uint32_t millivolts = (counts * VCC_MV + ADC_FULL_SCALE - 1) / ADC_FULL_SCALE;
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0), millivolts);
    if (!(avr->data[REG_ADCSRA] & BIT_ADATE)) return;
    truth_hold(avr->cycle + HOLD_CYCLES);
    truth_conversion(hold_ns, counts);
}

static void led_pin(avr_irq_t *irq, uint32_t level, void *param) {
    (void)irq, (void)param;
    truth_light(level != 0, board_time_ns(avr->cycle));
}

/* ---- UART */

/* 8N1 at the rate in the registers. simavr counts a parity bit that is not there: 11 bits a byte. */
static uint32_t cycles_per_byte(void) {
    const uint32_t ubrr = avr->data[REG_UBRR0L] | (avr->data[REG_UBRR0H] & 15) << 8;
    return 10 * (ubrr + 1) * (avr->data[REG_UCSR0A] & BIT_U2X0 ? 8 : 16);
}

/* The firmware has written UDR; the byte is on the line after the one before it, and with the host after its stop bit. */
static void byte_out(avr_irq_t *irq, uint32_t byte, void *param) {
    (void)irq, (void)param;
    int size;
    if (tap_byte(&from_device, byte, &size)) truth_packet(from_device.bytes, size);
    uart->cycles_per_byte = cycles_per_byte();
    tx_free = (tx_free > avr->cycle ? tx_free : avr->cycle) + uart->cycles_per_byte;
    tx[tx_head++ % QUEUE] = (typeof(tx[0])){byte, tx_free};     /* one slice fills a few places only */
}

/* A byte starts on the line into the chip; simavr raises its receive flag one byte time later. */
static avr_cycle_count_t byte_in(avr_t *chip, avr_cycle_count_t when, void *param) {
    (void)param;
    if (rx_tail == rx_head) return 0;
    if (rx[rx_tail % QUEUE].cycle > when) return rx[rx_tail % QUEUE].cycle;
    const uint8_t byte = rx[rx_tail++ % QUEUE].byte;
    uart->cycles_per_byte = cycles_per_byte();
    const uint64_t end = chip->cycle + uart->cycles_per_byte;
    int size;
    if (tap_byte(&from_host, byte, &size)) {
        const uint8_t *packet = from_host.bytes;
        if (packet[0] == TYPE_START && play_ns == INT64_MAX) play_ns = board_time_ns(end);
        if (packet[0] == TYPE_PING && size == 3 + SIZE_PING) truth_ping(packet[1] | packet[2] << 8, board_time_ns(end));
    }
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT), byte);
    return end + 1;
}

size_t board_room(void) { return QUEUE - (rx_head - rx_tail); }

void board_receive(const uint8_t *bytes, size_t size, int64_t at_ns) {
    const uint64_t cycle = board_cycle_at(at_ns);
    const bool idle = rx_head == rx_tail;
    for (size_t i = 0; i < size; i++) rx[rx_head++ % QUEUE] = (typeof(rx[0])){bytes[i], cycle};
    if (size && idle && !avr_cycle_timer_status(avr, byte_in, NULL))
        avr_cycle_timer_register(avr, cycle > avr->cycle ? cycle - avr->cycle : 1, byte_in, NULL);
}

/* ---- the chip */

static void no_sleep(avr_t *chip, avr_cycle_count_t cycles) { (void)chip, (void)cycles; }   /* pacing is twin.c's */

static avr_cycle_count_t stop_here(avr_t *chip, avr_cycle_count_t when, void *param) {
    (void)chip, (void)when, (void)param;
    return 0;       /* a sleeping chip skips to the next timer: this one keeps it from skipping past the slice */
}

/* Called after each instruction: how long the I flag stays down, in interrupts and in what disables them. */
static void watch_interrupts(void) {
    static uint64_t off_since;
    static uint32_t off_pc;
    static bool was_on;
    const bool on = avr->sreg[S_I];
    if (was_on && !on) {
        off_since = avr->cycle;
        off_pc = avr->pc;
    }
    if (on && !was_on && off_since && avr->cycle - off_since > longest_off) {
        longest_off = avr->cycle - off_since;
        longest_off_pc = off_pc;
    }
    was_on = on;
}

void board_run(uint64_t cycle) {
    if (avr->cycle < silent_until) {
        avr->cycle = cycle < silent_until ? cycle : silent_until;
        rx_tail = rx_head;      /* the bootloader has taken them */
    }
    if (cycle > avr->cycle) avr_cycle_timer_register(avr, cycle - avr->cycle, stop_here, NULL);
    while (avr->cycle < cycle) {
        const int state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed) fail("the firmware crashed at pc 0x%x", avr->pc);
        if (options.watch) watch_interrupts();
    }
    for (; tx_tail != tx_head && tx[tx_tail % QUEUE].cycle <= cycle; tx_tail++)
        port_put(tx[tx_tail % QUEUE].byte, board_time_ns(tx[tx_tail % QUEUE].cycle));
}

void board_reset(double silent_ms) {
    avr_reset(avr);             /* SRAM stays, as on the chip */
    silent_until = avr->cycle + (uint64_t)(silent_ms * CYCLE_HZ / 1000);
    rx_tail = rx_head;
    from_host.size = from_device.size = 0;
    compare_was = adate_was = false;
    twi_reset();
}

/* simavr logs on stdout, where this program prints one line only. */
static void log_errors(avr_t *chip, const int level, const char *format, va_list args) {
    (void)chip;
    if (level == LOG_ERROR) vfprintf(stderr, format, args);
}

/* Checked here, because simavr prints several lines about a file that is not an ELF. */
static bool is_avr_elf(const char *path) {
    uint8_t head[20] = {0};
    FILE *file = fopen(path, "rb");
    const bool whole = file && fread(head, sizeof head, 1, file) == 1;
    if (file) fclose(file);
    return whole && !memcmp(head, "\177ELF", 4) && head[18] == 83;      /* EM_AVR */
}

static void eeprom_load(void) {
    uint8_t bytes[EEPROM_BYTES];
    FILE *file = options.eeprom ? fopen(options.eeprom, "rb") : NULL;
    if (!file) {
        if (options.eeprom && errno != ENOENT) fail("cannot read the EEPROM from %s: %s", options.eeprom, strerror(errno));
        return;                 /* erased: all ones */
    }
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (size != sizeof bytes) fail("expected %d bytes of EEPROM in %s, found %zu", EEPROM_BYTES, options.eeprom, size);
    avr_eeprom_desc_t all = {.ee = bytes, .offset = 0, .size = sizeof bytes};
    avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &all);
}

static void eeprom_save(void) {
    uint8_t bytes[EEPROM_BYTES];
    avr_eeprom_desc_t all = {.ee = bytes, .offset = 0, .size = sizeof bytes};
    FILE *file = options.eeprom ? fopen(options.eeprom, "wb") : NULL;
    if (!file) {
        if (options.eeprom) fprintf(stderr, "twin: cannot write the EEPROM to %s: %s\n", options.eeprom, strerror(errno));
        return;
    }
    avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &all);
    fwrite(bytes, 1, sizeof bytes, file);
    fclose(file);
}

void board_open(const board_options_t *from, int64_t anchor) {
    options = *from;
    anchor_ns = anchor;
    ns_per_cycle = 1e9 / (CYCLE_HZ * (1 + options.ppm * 1e-6));
    if (options.play_now) play_ns = anchor;

    avr_global_logger_set(log_errors);
    elf_firmware_t firmware = {0};
    if (access(options.elf, R_OK))
        fail("cannot read the firmware %s: %s; make -C firmware builds it", options.elf, strerror(errno));
    if (!is_avr_elf(options.elf) || elf_read_firmware(options.elf, &firmware) || !firmware.flashsize)
        fail("expected an AVR ELF file, found %s", options.elf);
    avr = avr_make_mcu_by_name("atmega328p");
    if (!avr) fail("this libsimavr does not know the atmega328p");
    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    avr->frequency = (uint32_t)CYCLE_HZ;
    avr->vcc = avr->avcc = avr->aref = VCC_MV;
    avr->sleep = no_sleep;
    if (options.watch) avr->run_cycle_limit = 1;
    /* SRAM wakes in a random pattern; zeros would hide a variable that nobody sets. */
    if (getrandom(avr->data + SRAM, avr->ramend + 1 - SRAM, 0) < 0) fail("no random bytes: %s", strerror(errno));
    eeprom_load();

    for (avr_io_t *io = avr->io_port; io; io = io->next)
        if (!strcmp(io->kind, "uart")) uart = (avr_uart_t *)io;     /* io is its first member */
    uint32_t flags = 0;         /* no echo of lines to stdout, no usleep while the firmware polls */
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), byte_out, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_OUT_TRIGGER), conversion_started, NULL);
    avr_irq_register_notify(avr_iomem_getirq(avr, REG_ADCSRA, NULL, AVR_IOMEM_IRQ_ALL), adcsra_written, NULL);
    avr_irq_register_notify(avr_iomem_getirq(avr, REG_TCCR1B, NULL, AVR_IOMEM_IRQ_ALL), tccr1b_written, NULL);
    twi_open(avr);
    if (options.max30102) max30102_open(avr, &(max30102_options_t){options.max30102_ppm, light_at, part_sampled});
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), IOPORT_IRQ_PIN5), led_pin, NULL);
    avr_irq_register_notify(avr_get_interrupt_irq(avr, VECTOR_TIMER1_COMPARE_B) + AVR_INT_IRQ_PENDING, compare_flag, NULL);
}

void board_close(void) {
    truth_off(longest_off, longest_off_pc);
    eeprom_save();
}
