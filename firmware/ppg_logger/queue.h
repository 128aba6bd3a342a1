/* A ring between one interrupt that pushes and one loop() that pops. No Arduino dependency: tests compile it on a PC.
 *
 * Both indices are single bytes that only their own side writes, so neither side needs to disable interrupts.
 */
#ifndef ACQ_QUEUE_H
#define ACQ_QUEUE_H

#include <stdint.h>

template <typename Item, uint8_t SIZE>      /* SIZE: a power of two up to 128, all of it usable */
class RingQueue {
public:
    RingQueue() : head_(0), tail_(0) {}

    /* False: the ring is full and the item is not in it. */
    bool push(const Item &item) {
        if ((uint8_t)(head_ - tail_) == SIZE) return false;
        items_[head_ % SIZE] = item;
        barrier();                          /* the item must be whole before the other side can see it */
        head_ = head_ + 1;
        return true;
    }

    /* False: the ring is empty. */
    bool pop(Item &item) {
        if (head_ == tail_) return false;
        item = items_[tail_ % SIZE];
        barrier();                          /* and read before its place is given away */
        tail_ = tail_ + 1;
        return true;
    }

    /* Only while the interrupt does not push. */
    void clear() { tail_ = head_; }

private:
    static_assert(SIZE && SIZE <= 128 && (SIZE & (SIZE - 1)) == 0, "SIZE must be a power of two up to 128");
    static void barrier() { __asm__ __volatile__("" ::: "memory"); }

    Item items_[SIZE];
    volatile uint8_t head_, tail_;          /* run freely over 0..255; their difference is the fill */
};

#endif
