#include "loop-private.h"

#include <sys/mman.h>
#include <unistd.h>

/* ASan has to be told of every change of stacks. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define STACK_SIZE (512 * 1024)
#else
#define STACK_SIZE (64 * 1024)
#endif
#define GUARD 4096

struct co {
	struct co *next;
	struct loop *loop;
	ucontext_t ctx;
	uint8_t *map;
	void (*fn)(void *arg);
	void *arg;
	bool done, queued;
	uint64_t deadline;
	void *fake_stack;
};

struct waiter {
	struct waiter *next;
	struct co *co;
	struct loop *loop;
	bool woken;
};

static void enter_stack(void **keep, const void *bottom, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(keep, bottom, size);
#else
	(void)keep, (void)bottom, (void)size;
#endif
}

static void entered_stack(void *keep, const void **bottom, size_t *size)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(keep, bottom, size);
#else
	(void)keep, (void)bottom, (void)size;
#endif
}

static void leave(struct co *co)
{
	struct loop *l = co->loop;
#ifdef __SANITIZE_ADDRESS__
	enter_stack(co->done ? NULL : &co->fake_stack, l->main_stack, l->main_size);
	swapcontext(&co->ctx, &l->main);
	entered_stack(co->fake_stack, &l->main_stack, &l->main_size);
#else
	swapcontext(&co->ctx, &l->main);
#endif
}

/* makecontext passes ints only: the pointer comes in two halves. */
static void trampoline(unsigned hi, unsigned lo)
{
	struct co *co = (struct co *)((uintptr_t)hi << 32 | lo);
#ifdef __SANITIZE_ADDRESS__
	entered_stack(NULL, &co->loop->main_stack, &co->loop->main_size);
#endif
	co->fn(co->arg);
	co->done = true;
	leave(co);
}

static void co_free(struct loop *l, struct co *co)
{
	if (!l->spare) {
		l->spare = co;
		return;
	}
	munmap(co->map, STACK_SIZE + GUARD);
	free(co);
}

void co_drop_spare(struct loop *l)
{
	if (!l->spare)
		return;
	munmap(l->spare->map, STACK_SIZE + GUARD);
	free_ptr(&l->spare);
}

static void resume(struct loop *l, struct co *co)
{
	void *keep = NULL;
	co->queued = false;
	l->running = co;
	enter_stack(&keep, co->map + GUARD, STACK_SIZE);
	swapcontext(&l->main, &co->ctx);
	entered_stack(keep, NULL, NULL);
	l->running = NULL;
	if (co->done)
		co_free(l, co);
}

static struct co *co_new(struct loop *l)
{
	struct co *co = l->spare;
	l->spare = NULL;
	if (co)
		return co;
	uint8_t *map = mmap(NULL, STACK_SIZE + GUARD, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	mprotect(map, GUARD, PROT_NONE);
	co = xalloc(sizeof(*co));
	co->map = map;
	return co;
}

static void make_ready(struct loop *l, struct co *co)
{
	if (co->queued)
		return;
	co->queued = true;
	co->next = NULL;
	if (!l->ready)
		l->ready_tail = &l->ready;
	*l->ready_tail = co;
	l->ready_tail = &co->next;
}

/* Apart from co_start, because getcontext returns as setjmp does. */
static void prepare(struct co *co)
{
	getcontext(&co->ctx);
	co->ctx.uc_stack.ss_sp = co->map + GUARD;
	co->ctx.uc_stack.ss_size = STACK_SIZE;
	uintptr_t p = (uintptr_t)co;
	makecontext(&co->ctx, (void (*)(void))trampoline, 2, (unsigned)(p >> 32), (unsigned)p);
}

bool co_start(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct co *co = co_new(l);
	if (!co)
		return false;
	co->loop = l;
	co->fn = fn;
	co->arg = arg;
	co->done = false;
	co->deadline = 0;
	prepare(co);
	if (l->running)
		make_ready(l, co);
	else
		resume(l, co);
	return true;
}

void co_set_deadline(struct loop *l, uint64_t at)
{
	if (l->running)
		l->running->deadline = at;
}

int co_time_left(const struct loop *l)
{
	uint64_t now = loop_now();
	if (!l->running || l->running->deadline == 0)
		return -1;
	uint64_t left = l->running->deadline > now ? l->running->deadline - now : 0;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

void co_run_ready(struct loop *l)
{
	while (l->ready) {
		struct co *co = l->ready;
		l->ready = co->next;
		resume(l, co);
	}
}

static void wake_one(struct waiter *w)
{
	w->woken = true;
	make_ready(w->loop, w->co);
}

void waitq_wake(struct loop *l, struct waitq *q)
{
	(void)l;
	while (q->first) {
		struct waiter *w = q->first;
		q->first = w->next;
		wake_one(w);
	}
}

static void timed_out(struct timer *t)
{
	struct waiter *w = t->owner;
	make_ready(w->loop, w->co);
}

bool waitq_wait(struct loop *l, struct waitq *q, int ms)
{
	struct waiter w = { .co = l->running, .loop = l };
	struct timer t = { .fire = timed_out, .owner = &w };
	struct waiter **at = &q->first;
	while (*at)
		at = &(*at)->next;
	*at = &w;
	if (ms >= 0)
		timer_set(l, &t, (unsigned)ms);
	leave(l->running);
	timer_clear(l, &t);
	for (at = &q->first; *at; at = &(*at)->next)
		if (*at == &w) {
			*at = w.next;
			break;
		}
	return w.woken;
}

void co_sleep(struct loop *l, unsigned ms)
{
	struct waitq q = { 0 };
	waitq_wait(l, &q, (int)ms);
}

static void fd_ready(struct source *src, uint32_t events)
{
	(void)events;
	struct waiter *w = src->owner;
	w->woken = true;
	source_watch(w->loop, src, 0);
	make_ready(w->loop, w->co);
}

bool co_wait_fd(struct loop *l, int fd, uint32_t events, int ms)
{
	struct waiter w = { .co = l->running, .loop = l };
	struct timer t = { .fire = timed_out, .owner = &w };
	struct source src = { .fd = fd, .ready = fd_ready, .owner = &w };
	if (!source_watch(l, &src, events))
		return true; /* a regular file: always ready */
	if (ms >= 0)
		timer_set(l, &t, (unsigned)ms);
	leave(l->running);
	source_watch(l, &src, 0);
	timer_clear(l, &t);
	return w.woken;
}

void co_lock(struct loop *l, struct co_lock *lock)
{
	while (lock->held)
		waitq_wait(l, &lock->q, -1);
	lock->held = true;
}

void co_unlock(struct loop *l, struct co_lock *lock)
{
	lock->held = false;
	waitq_wake(l, &lock->q);
}
