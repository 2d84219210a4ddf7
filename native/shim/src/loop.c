#include "loop.h"
#include "loop-private.h"
#include "shrink.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

struct loop *loop_new(void)
{
	struct loop *l = xalloc(sizeof(*l));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		abort();
	return l;
}

void loop_free(struct loop *l)
{
	co_drop_spare(l);
	free(l->scratch);
	close_fd(&l->epoll);
	free(l);
}

uint8_t *loop_scratch(struct loop *l)
{
	if (!l->scratch)
		l->scratch = xresize(NULL, LOOP_SCRATCH);
	return l->scratch;
}

uint64_t loop_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A source may go away while events for it wait in the batch just fetched. */
static void forget_fetched(struct loop *l, const struct source *src)
{
	for (int i = l->at; i < l->fetched; i++)
		if (l->batch[i].data.ptr == src)
			l->batch[i].data.ptr = NULL;
}

bool source_watch(struct loop *l, struct source *src, uint32_t events)
{
	if (src->events == events)
		return true;
	int op = events == 0 ? EPOLL_CTL_DEL : src->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	struct epoll_event ev = { .events = events, .data.ptr = src };
	if (epoll_ctl(l->epoll, op, src->fd, &ev) < 0 && events != 0)
		return false;
	src->events = events;
	if (events == 0)
		forget_fetched(l, src);
	return true;
}

void timer_clear(struct loop *l, struct timer *t)
{
	for (struct timer **at = &l->timers; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			break;
		}
	t->due = 0;
	t->next = NULL;
}

void timer_set(struct loop *l, struct timer *t, unsigned ms)
{
	timer_clear(l, t);
	t->due = loop_now() + ms;
	struct timer **at = &l->timers;
	while (*at && (*at)->due <= t->due)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static int fire_timers(struct loop *l)
{
	while (l->timers) {
		uint64_t now = loop_now();
		struct timer *t = l->timers;
		if (t->due > now)
			return t->due - now > 3600000 ? 3600000 : (int)(t->due - now);
		timer_clear(l, t);
		t->fire(t);
		co_run_ready(l);
	}
	return -1;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

#define IDLE_MS 300

/* Waits for events; the first time that none come for a while, memory is given back. */
static void fetch(struct loop *l, int wait)
{
	bool first = wait < 0 && !l->shrunk;
	l->fetched = epoll_wait(l->epoll, l->batch, COUNT_OF(l->batch), first ? IDLE_MS : wait);
	if (l->fetched < 0 && errno != EINTR)
		abort();
	if (l->fetched == 0 && first)
		shrink(l);
	l->shrunk = l->fetched == 0 && first;
}

void loop_run(struct loop *l)
{
	while (!l->stopped) {
		co_run_ready(l);
		int wait = fire_timers(l);
		if (l->stopped)
			break;
		fetch(l, wait);
		for (l->at = 0; l->at < l->fetched;) {
			struct epoll_event ev = l->batch[l->at++];
			struct source *src = ev.data.ptr;
			if (src)
				src->ready(src, ev.events);
			co_run_ready(l);
		}
		l->fetched = 0;
	}
}
