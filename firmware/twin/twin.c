/* The firmware's twin: the same ELF on a simulated ATmega328P, in real time, its UART on a pty, its ADC fed from a CSV.
 *
 * The map from the chip's cycles to CLOCK_MONOTONIC is one exact straight line (board_time_ns), so that a test knows the true
 * time of everything. The twin may be late against that line, never early: a slice of SLICE_S is run after its end
 * has passed on the host's clock, bytes leave after the slice in which their stop bit ended, and a byte that was read
 * from the host at time t reaches the chip in a cycle whose time is t or later. So what holds for a real board holds here,
 * starved of CPU or not: t_send <= host(rx_ticks), host(tx_ticks) <= t_recv.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "fail.h"
#include "max30102.h"
#include "port.h"
#include "script.h"
#include "truth.h"

#define SLICE_S 0.00025

static const char USAGE[] =
    "usage: twin [options] [FIRMWARE.elf]\n"
    "\n"
    "Runs the firmware (default: ../build/ppg_logger.elf beside this program) on a simulated ATmega328P in real time.\n"
    "The first line on stdout is \"port PATH\": the pty that its UART is on. Runs until SIGINT, SIGTERM or --duration.\n"
    "\n"
    "  --wave FILE.csv    what the sensor puts on A0: time [s] and value; a header line may come first\n"
    "  --wave-rate HZ     FILE has no times but this rate\n"
    "  --wave-column N    the values are in column N (from 1; default 2, with --wave-rate 1)\n"
    "  --scale LO:HI      smallest and largest value become these ADC counts (default 200:800); none: they are counts\n"
    "  --loop             start the waveform again at its end (default: hold the last value)\n"
    "  --play start|now   the waveform begins when a START packet has come in (default), or at once\n"
    "  --ppm X            the crystal runs X parts per million fast (default 0; up to 50000 either way)\n"
    "  --max30102 PPM     a MAX30102 is on the two-wire bus, its INT on D2, its clock PPM faster than in its datasheet\n"
    "  --max30102-fault KIND@AT_S[:FOR_S]   absent, nack, stuck, power or wire (twin/max30102.h); may be given again\n"
    "  --hold-ms N        the adapter holds bytes for the host up to N ms, or until it has 62 (default 0)\n"
    "  --reset-on-open MS opening the port resets the chip, and its bootloader is silent for MS (an Uno: about 1600);\n"
    "                     what it sends while nobody has the port open is lost\n"
    "  --eeprom FILE      keeps the EEPROM from run to run (default: erased)\n"
    "  --truth FILE.csv   for each sample sent: sequence, time_ns (CLOCK_MONOTONIC, middle of its window),\n"
    "                     value (mean * 64, like SAMPLE), start (how often sampling was started); for each PING:\n"
    "                     its id as sequence, time_ns when its last byte was in; for each sample of the MAX30102 itself\n"
    "                     the middle of its window and its value, in the order it made them; when the firmware's ticks\n"
    "                     were 0; kind says which\n"
    "  --cycles FILE.csv  for each conversion the cycle of its hold; at the end, kind \"off\": the most cycles that\n"
    "                     interrupts were disabled at a time, and the pc where that began\n"
    "  --script FILE.csv  no pty and no waiting: lines of time_s and bytes in hex are what the host sends; each byte that\n"
    "                     the chip sends is a line on stdout: time_ns when its stop bit ended, the byte in hex. Times\n"
    "                     count from the chip's first cycle; --duration is needed\n"
    "  --link PATH        a symlink to the pty, removed at the end\n"
    "  --duration S       stop after S seconds\n";

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    (void)number;
    stopped = 1;
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void sleep_until(int64_t time_ns) {
    const struct timespec t = {time_ns / 1000000000LL, time_ns % 1000000000LL};
    while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)) {}
}

static double number(const char *name, const char *text, double low, double high) {
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value >= low && value <= high))
        fail("expected a number from %g to %g for --%s, found %s", low, high, name, text);
    return value;
}

typedef struct {
    board_options_t board;
    wave_options_t wave;
    const char *link, *truth, *cycles, *script;
    double hold_ms, duration_s, reset_ms;       /* reset_ms < 0: opening the port resets nothing */
} options_t;

static options_t parse(int argc, char **argv) {
    enum { WAVE = 1, RATE, COLUMN, SCALE, LOOP, PLAY, PPM, PART, PART_FAULT, HOLD, RESET, EEPROM, TRUTH, CYCLES, SCRIPT, LINK, DURATION, HELP };
    static const struct option names[] = {
        {"wave", 1, 0, WAVE}, {"wave-rate", 1, 0, RATE}, {"wave-column", 1, 0, COLUMN}, {"scale", 1, 0, SCALE},
        {"loop", 0, 0, LOOP}, {"play", 1, 0, PLAY}, {"ppm", 1, 0, PPM},
        {"max30102", 1, 0, PART}, {"max30102-fault", 1, 0, PART_FAULT}, {"hold-ms", 1, 0, HOLD},
        {"reset-on-open", 1, 0, RESET}, {"eeprom", 1, 0, EEPROM}, {"truth", 1, 0, TRUTH},
        {"cycles", 1, 0, CYCLES}, {"script", 1, 0, SCRIPT}, {"link", 1, 0, LINK},
        {"duration", 1, 0, DURATION}, {"help", 0, 0, HELP}, {0}};
    options_t o = {.wave = {.low = 200, .high = 800}, .duration_s = 1e9, .reset_ms = -1};
    for (int name; (name = getopt_long(argc, argv, "h", names, NULL)) != -1;) switch (name) {
        case WAVE: o.wave.path = optarg; break;
        case RATE: o.wave.rate_hz = number("wave-rate", optarg, 0.001, 1e6); break;
        case COLUMN: o.wave.column = (int)number("wave-column", optarg, 1, 1000); break;
        case SCALE:
            if (!strcmp(optarg, "none")) o.wave.low = o.wave.high = 0;
            else if (sscanf(optarg, "%lf:%lf", &o.wave.low, &o.wave.high) != 2 || o.wave.low < 0 ||
                     o.wave.high > 1023 || o.wave.low >= o.wave.high)
                fail("expected LO:HI within 0:1023, or none, for --scale, found %s", optarg);
            break;
        case LOOP: o.wave.loop = true; break;
        case PLAY:
            o.board.play_now = !strcmp(optarg, "now");
            if (!o.board.play_now && strcmp(optarg, "start")) fail("expected start or now for --play, found %s", optarg);
            break;
        case PPM: o.board.ppm = number("ppm", optarg, -50000, 50000); break;
        case PART:
            o.board.max30102 = true;
            o.board.max30102_ppm = number("max30102", optarg, -100000, 100000);
            break;
        case PART_FAULT:
            if (!max30102_fault(optarg)) fail("expected KIND@AT_S[:FOR_S] for --max30102-fault, found %s", optarg);
            break;
        case HOLD: o.hold_ms = number("hold-ms", optarg, 0, 1000); break;
        case RESET: o.reset_ms = number("reset-on-open", optarg, 0, 60000); break;
        case EEPROM: o.board.eeprom = optarg; break;
        case TRUTH: o.truth = optarg; break;
        case CYCLES: o.cycles = optarg; o.board.watch = true; break;
        case SCRIPT: o.script = optarg; break;
        case LINK: o.link = optarg; break;
        case DURATION: o.duration_s = number("duration", optarg, 0, 1e9); break;
        case 'h': case HELP: fputs(USAGE, stdout); exit(0);
        default: fprintf(stderr, "twin: --help lists the options\n"); exit(1);
    }
    if (o.script && (o.duration_s == 1e9 || o.link || o.reset_ms >= 0 || o.hold_ms > 0))
        fail("expected --duration and no --link, --reset-on-open or --hold-ms beside --script");
    if (argc - optind > 1) fail("expected one firmware file, found %d", argc - optind);
    if (optind < argc) {
        o.board.elf = argv[optind];
        return o;
    }
    static char beside[PATH_MAX + 32];
    const ssize_t n = readlink("/proc/self/exe", beside, PATH_MAX);
    char *slash = n > 0 ? memrchr(beside, '/', n) : NULL;
    strcpy(slash ? slash : beside, "/../build/ppg_logger.elf");
    o.board.elf = beside;
    return o;
}

/* As fast as it goes; what is read and printed are times of the chip's own. */
static void run_script(const options_t *o) {
    script_open(o->script);
    port_print();
    board_open(&o->board, 0);
    const uint64_t slices = (uint64_t)(o->duration_s / SLICE_S);
    for (uint64_t i = 1; i <= slices && !stopped; i++) {
        const uint64_t end = (uint64_t)(i * SLICE_S * CYCLE_HZ);
        uint8_t bytes[512];
        int64_t at_ns;
        while (board_room() >= sizeof bytes) {
            const size_t size = script_read(board_time_ns(end), bytes, sizeof bytes, &at_ns);
            if (!size) break;
            board_receive(bytes, size, at_ns);
        }
        board_run(end);
    }
    board_close();
    truth_close();
}

int main(int argc, char **argv) {
    options_t o = parse(argc, argv);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    o.board.wave = wave_load(&o.wave);
    truth_open(o.truth);
    if (o.cycles) truth_cycles_open(o.cycles);
    if (o.script) {
        run_script(&o);
        return 0;
    }
    atexit(port_close);                     /* takes the link with it, however the twin ends */
    const char *path = port_open(o.link, o.hold_ms, o.reset_ms >= 0);
    const int64_t anchor_ns = now_ns();
    board_open(&o.board, anchor_ns);
    printf("port %s\n", path);
    fflush(stdout);

    const double slice = SLICE_S * CYCLE_HZ;
    const uint64_t slices = (uint64_t)(o.duration_s / SLICE_S);
    int64_t latest_ns = 0;
    for (uint64_t i = 1; i <= slices && !stopped; i++) {
        const uint64_t end = (uint64_t)(i * slice);
        sleep_until(board_time_ns(end));
        if (port_was_opened()) board_reset(o.reset_ms);
        uint8_t bytes[256];
        const size_t room = board_room() < sizeof bytes ? board_room() : sizeof bytes;
        const size_t size = port_read(bytes, room);
        board_receive(bytes, size, now_ns());   /* the clock after the read: never earlier than the host's write */
        board_run(end);
        const int64_t now = now_ns(), late_ns = now - board_time_ns(end);
        port_flush(now);
        if (late_ns > latest_ns) latest_ns = late_ns;
    }
    board_close();
    truth_close();
    fprintf(stderr, "twin: ran %.1f s, at most %.1f ms behind its clock; %llu bytes were not read by the host\n",
            (now_ns() - anchor_ns) * 1e-9, latest_ns * 1e-6, (unsigned long long)port_lost());
    return 0;
}
