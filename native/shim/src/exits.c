#include "exits.h"

#include "events.h"
#include "runc.h"
#include "service.h"

#include <signal.h>
#include <string.h>

#define STRAY_MAX 1024
/* How long the end of a container waits for the ends of its execs to be told before it. */
#define EXECS_LAST_MS 10000

struct init_exit {
	struct shim *s;
	struct container *c;
	int status;
	struct timespec at;
};

static void finish(struct shim *s, struct process *p, int status, struct timespec at)
{
	p->status = ST_STOPPED;
	p->exit_status = status;
	p->exited_at = at;
	io_exited(s, p->io);
	event_exit(s, p);
	waits_answer(s, p);
	waitq_wake(s->loop, &p->exited);
	waitq_wake(s->loop, &p->container->execs_settled);
}

static bool execs_alive(const struct container *c)
{
	if (c->execs_starting > 0)
		return true;
	for (const struct process *p = c->execs; p; p = p->next)
		if (p->status == ST_RUNNING)
			return true;
	return false;
}

/* The kernel ends a private pid namespace with its init. Without one nobody does. */
static void kill_rest(struct shim *s, struct container *c)
{
	struct err e = { 0 };
	if (!c->private_pids && runc_kill_all(s, c, SIGKILL, &e) < 0)
		log_warn(s, "failed to kill init's children of %s: %s", c->id, e.msg);
}

static void init_ends(void *arg)
{
	struct init_exit *x = arg;
	struct container *c = x->c;
	struct loop *l = x->s->loop;
	kill_rest(x->s, c);
	uint64_t give_up = loop_now() + EXECS_LAST_MS;
	for (uint64_t now = loop_now(); execs_alive(c) && now < give_up; now = loop_now())
		waitq_wait(l, &c->execs_settled, (int)(give_up - now));
	finish(x->s, &c->init, x->status, x->at);
	container_put(c);
	free(x);
}

static void process_ended(struct shim *s, struct process *p, int status, struct timespec at)
{
	struct container *c = p->container;
	p->exit_pending = true;
	p->exit_status = status;
	p->exited_at = at;
	if (p->starting)
		return;
	if (!is_init(p) || (c->private_pids && !execs_alive(c))) {
		finish(s, p, status, at);
		return;
	}
	struct init_exit *x = xalloc(sizeof(*x));
	*x = (struct init_exit){ .s = s, .c = c, .status = status, .at = at };
	c->refs++;
	if (!co_start(s->loop, init_ends, x)) {
		finish(s, p, status, at);
		c->refs--;
		free(x);
	}
}

void exits_expect(struct shim *s)
{
	s->expecting++;
}

void exits_expected(struct shim *s)
{
	if (--s->expecting > 0)
		return;
	free(s->strays);
	s->strays = NULL;
	s->stray_count = 0;
}

static void keep_stray(struct shim *s, pid_t pid, int status, struct timespec at)
{
	if (s->expecting == 0)
		return;
	if (!s->strays)
		s->strays = xalloc(STRAY_MAX * sizeof(*s->strays));
	if (s->stray_count == STRAY_MAX) {
		s->stray_count--;
		memmove(s->strays, s->strays + 1, s->stray_count * sizeof(*s->strays));
	}
	s->strays[s->stray_count++] = (struct stray_exit){ pid, status, at };
}

void exit_collected(struct shim *s, pid_t pid, int status, struct timespec at)
{
	struct process *p = process_of_pid(s, pid);
	if (p)
		process_ended(s, p, status, at);
	else
		keep_stray(s, pid, status, at);
}

void exit_check(struct shim *s, struct process *p)
{
	if (p->exit_pending) {
		process_ended(s, p, p->exit_status, p->exited_at);
		return;
	}
	for (size_t i = s->stray_count; i-- > 0;)
		if (s->strays[i].pid == p->pid) {
			struct stray_exit x = s->strays[i];
			s->strays[i].pid = 0;
			process_ended(s, p, x.status, x.at);
			return;
		}
}
