#include "exec-ahead.h"

#include "child.h"
#include "runc-call.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a shim at a time: each is a process of some megabytes that only waits. */
#define AHEAD_MAX 4
#define PATIENCE_MS 1000
/* What a pipe surely holds. */
#define SPEC_MAX (32 * 1024)

struct ahead {
	struct shim *s;
	struct process *p;
	struct runc_call call;
	struct child child;
	struct timer timer;
	int spec[2]; /* the pipe: ours is the writing end; the other must be there for its path to lead to it */
	int fds[3];
};

static bool is_fifo(const char *path)
{
	struct stat st;
	return !*path || (*path == '/' && lstat(path, &st) == 0 && S_ISFIFO(st.st_mode));
}

static bool suits(const struct shim *s, const struct process *p)
{
	const struct container *c = p->container;
	return !p->ahead && !p->deleted && !c->deleted && p->status == ST_CREATED && !p->starting &&
	       c->init.status == ST_RUNNING && s->ahead_count < AHEAD_MAX && runc_is_runc(c) && p->spec.len <= SPEC_MAX &&
	       !p->stdio.terminal && is_fifo(p->stdio.in) && is_fifo(p->stdio.out) && is_fifo(p->stdio.err);
}

static void forget(struct process *p)
{
	struct ahead *a = p->ahead;
	timer_clear(a->s->loop, &a->timer);
	runc_end(&a->call);
	close_fd(&a->spec[0]);
	close_fd(&a->spec[1]);
	a->s->ahead_count--;
	free_ptr(&p->ahead);
}

void exec_unprepare(struct process *p)
{
	struct ahead *a = p->ahead;
	if (!a)
		return;
	if (a->child.pid && !a->child.exited) {
		kill(a->child.pid, SIGKILL); /* before what its paths lead to is closed */
		child_forget(a->s, &a->child);
	}
	io_started(p->io, a->fds, false);
	io_free(p->io);
	p->io = NULL;
	forget(p);
}

static void too_late(struct timer *t)
{
	struct ahead *a = t->owner;
	exec_unprepare(a->p);
}

static int begin(struct shim *s, struct process *p, struct err *e)
{
	struct container *c = p->container;
	struct io_owner who = { p->id, NULL, c->options.io_uid, c->options.io_gid };
	struct ahead *a = p->ahead = xalloc(sizeof(*a));
	*a = (struct ahead){ .s = s, .p = p, .spec = { -1, -1 }, .fds = { -1, -1, -1 } };
	a->timer = (struct timer){ .fire = too_late, .owner = a };
	a->call.log = a->call.output = -1;
	s->ahead_count++;
	if (io_open(s, &p->io, &p->stdio, &who, a->fds, e) < 0)
		return -1;
	if (pipe2(a->spec, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	AUTO_FREE char *spec = xprintf("/proc/%d/fd/%d", (int)getpid(), a->spec[0]);
	AUTO_FREE char *pid_file = xprintf("%s/%s.pid", c->bundle, p->id);
	runc_exec_call(&a->call, s, c, spec, pid_file, a->fds, NULL);
	if (runc_spawn(s, &a->call, &a->child, e) < 0)
		return -1;
	timer_set(s->loop, &a->timer, PATIENCE_MS);
	return 0;
}

struct preparation {
	struct shim *s;
	struct process *p;
};

static void prepare(void *arg)
{
	struct preparation *x = arg;
	struct process *p = x->p;
	struct container *c = p->container;
	struct loop *l = x->s->loop;
	struct err e = { 0 };
	co_lock(l, &p->lock);
	if (suits(x->s, p) && begin(x->s, p, &e) < 0)
		exec_unprepare(p); /* the start will meet the same, and has somebody to tell */
	co_unlock(l, &p->lock);
	process_put(p);
	container_put(c);
	free(x);
}

void exec_prepare(struct shim *s, struct process *p)
{
	if (!suits(s, p))
		return;
	struct preparation *x = xalloc(sizeof(*x));
	*x = (struct preparation){ s, p };
	p->refs++;
	p->container->refs++;
	if (co_start(s->loop, prepare, x))
		return;
	p->refs--;
	p->container->refs--;
	free(x);
}

bool exec_prepared(struct shim *s, struct process *p, int *rc, struct err *e)
{
	struct ahead *a = p->ahead;
	if (!a)
		return false;
	timer_clear(s->loop, &a->timer);
	bool usable = !a->child.exited && p->container->init.status == ST_RUNNING;
	if (!usable || write(a->spec[1], p->spec.data, p->spec.len) != (ssize_t)p->spec.len) {
		exec_unprepare(p);
		return false;
	}
	close_fd(&a->spec[1]);
	*rc = runc_wait(s, &a->call, &a->child, e);
	io_started(p->io, a->fds, *rc == 0);
	forget(p);
	return true;
}
