/* Shared by loop.c and co.c only. */
#ifndef LOOP_PRIVATE_H
#define LOOP_PRIVATE_H

#include "loop.h"

#include <ucontext.h>

struct loop {
	int epoll;
	bool stopped;
	bool shrunk; /* since the last event */
	struct timer *timers; /* by time */
	struct epoll_event batch[32];
	int fetched, at;
	struct co *running;
	struct co *ready, **ready_tail;
	struct co *spare; /* one finished stack, for the next request */
	uint8_t *scratch;
	ucontext_t main;
#ifdef __SANITIZE_ADDRESS__
	const void *main_stack;
	size_t main_size;
#endif
};

void co_run_ready(struct loop *l);
void co_drop_spare(struct loop *l);

#endif
