#define _GNU_SOURCE
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "fail.h"

/* An FTDI sends a USB packet when its latency timer ends or 62 bytes are there (AN232B-04, 64 less two of status). */
#define ADAPTER_BYTES 62
#define BACKLOG 4096

static int master = -1, slave = -1;
static const char *link_path;
static int64_t hold_ns;
static bool watch_open, host_there;
static uint8_t held[BACKLOG];
static size_t held_size;
static int64_t first_held_ns;
static uint64_t lost;
static bool printing;

void port_print(void) { printing = true; }

const char *port_open(const char *link, double hold_ms, bool only_while_open) {
    static char path[64];
    hold_ns = (int64_t)(hold_ms * 1e6);
    watch_open = only_while_open;
    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, path, sizeof path))
        fail("cannot open a pty: %s", strerror(errno));
    slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios raw;
    if (slave < 0 || tcgetattr(slave, &raw)) fail("cannot open %s: %s", path, strerror(errno));
    cfmakeraw(&raw);    /* no echo: a UART does not answer itself */
    cfsetspeed(&raw, B115200);
    tcsetattr(slave, TCSANOW, &raw);
    if (watch_open) {
        close(slave);   /* or the pty would count as open for ever */
        slave = -1;
    }
    if (link) {
        char target[64];
        const ssize_t n = readlink(link, target, sizeof target - 1);
        if (n > 0 && !strncmp(target, "/dev/pts/", 9)) unlink(link);    /* left by a twin that was killed */
        if (symlink(path, link)) fail("cannot make the link %s: %s", link, strerror(errno));
        link_path = link;
    }
    return path;
}

void port_close(void) {
    if (link_path) unlink(link_path);
    link_path = NULL;
    if (master >= 0) close(master);
    if (slave >= 0) close(slave);
    master = slave = -1;
}

size_t port_read(uint8_t *bytes, size_t room) {
    const ssize_t n = read(master, bytes, room);
    return n > 0 ? (size_t)n : 0;       /* EAGAIN: nothing; EIO: nobody has it open */
}

void port_put(uint8_t byte, int64_t end_ns) {
    if (printing) {
        printf("%lld,%02x\n", (long long)end_ns, byte);
        return;
    }
    if (held_size == BACKLOG) {
        lost++;
        return;
    }
    if (held_size == 0) first_held_ns = end_ns;
    held[held_size++] = byte;
}

void port_flush(int64_t now_ns) {
    while (held_size && (hold_ns == 0 || held_size >= ADAPTER_BYTES || now_ns - first_held_ns >= hold_ns)) {
        const size_t size = hold_ns && held_size > ADAPTER_BYTES ? ADAPTER_BYTES : held_size;
        const ssize_t n = watch_open && !host_there ? -1 : write(master, held, size);
        if (n < (ssize_t)size) lost += size - (n > 0 ? n : 0);
        held_size -= size;
        memmove(held, held + size, held_size);
        first_held_ns = now_ns;
    }
}

bool port_was_opened(void) {
    if (!watch_open) return false;
    struct pollfd state = {.fd = master, .events = POLLIN};
    const bool was = host_there;
    host_there = poll(&state, 1, 0) >= 0 && !(state.revents & POLLHUP);
    return host_there && !was;
}

uint64_t port_lost(void) { return lost; }
