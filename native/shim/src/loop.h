/* The event loop: file descriptors, timers, and coroutines that wait for them.
 *
 * Handlers that wait (for runc, for a logger, for output to drain) run as coroutines on small stacks
 * of their own. The alternative is a chain of callbacks per request, in which the order of steps,
 * the thing that a shim must get right, cannot be read. */
#ifndef LOOP_H
#define LOOP_H

#include "base.h"

#include <sys/epoll.h>

#define LOOP_SCRATCH (512 * 1024)

struct loop;
struct co;

/* A watched file descriptor; lives inside its owner, which must remove it before freeing it. */
struct source {
	int fd;
	uint32_t events; /* 0: not in the epoll set */
	void (*ready)(struct source *src, uint32_t events);
	void *owner;
};

struct timer {
	uint64_t due; /* 0: not set */
	struct timer *next;
	void (*fire)(struct timer *t);
	void *owner;
};

/* Coroutines waiting for one thing. All zero is an empty one. */
struct waitq {
	struct waiter *first;
};

struct loop *loop_new(void);
void loop_free(struct loop *l); /* after loop_run; its sources are forgotten */
/* Runs until loop_stop. Without sources ready and timers due it does not wake up. */
void loop_run(struct loop *l);
/* LOOP_SCRATCH bytes for whoever runs, until it returns to the loop or waits. Given back when nothing happens for a while. */
uint8_t *loop_scratch(struct loop *l);
void loop_stop(struct loop *l);
uint64_t loop_now(void); /* milliseconds, monotonic */

/* Watches for exactly `events` (0 stops watching). False when the fd cannot be polled. */
bool source_watch(struct loop *l, struct source *src, uint32_t events);

void timer_set(struct loop *l, struct timer *t, unsigned ms);
void timer_clear(struct loop *l, struct timer *t);

/* Runs fn(arg) on a stack of its own, at once, until it first waits. False without memory. */
bool co_start(struct loop *l, void (*fn)(void *arg), void *arg);

/* By when the coroutine has to be done (loop_now), for those of its waits that ask. */
void co_set_deadline(struct loop *l, uint64_t at);
int co_time_left(const struct loop *l); /* milliseconds; -1: no limit */

/* Waits, inside a coroutine, until the queue is woken; false after `ms` (negative: no limit). */
bool waitq_wait(struct loop *l, struct waitq *q, int ms);
void waitq_wake(struct loop *l, struct waitq *q);
void co_sleep(struct loop *l, unsigned ms);
/* Waits until the fd is ready; false after `ms`. */
bool co_wait_fd(struct loop *l, int fd, uint32_t events, int ms);

/* Held across waits by one coroutine at a time. */
struct co_lock {
	bool held;
	struct waitq q;
};
void co_lock(struct loop *l, struct co_lock *lock);
void co_unlock(struct loop *l, struct co_lock *lock);

#endif
