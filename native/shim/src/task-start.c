#include "console.h"
#include "events.h"
#include "exec-ahead.h"
#include "exits.h"
#include "file.h"
#include "launch.h"
#include "runc.h"
#include "service.h"
#include "wire.h"

#include <unistd.h>

/* The state errors of a task carry no class, as containerd's do not. */
static int may_start(const struct process *p, struct err *e)
{
	if (p->deleted || p->container->deleted)
		return err_set(e, CODE_NOT_FOUND, "process does not exist %s: not found", p->id);
	if (p->status == ST_CREATED && !p->exit_pending)
		return 0;
	enum status st = p->status == ST_CREATED ? ST_STOPPED : p->status;
	return err_set(e, CODE_UNKNOWN, "cannot start a %s process", status_name(st));
}

static int start_init(struct shim *s, struct container *c, struct err *e)
{
	int rc;
	if (c->checkpoint) {
		rc = container_launch(s, c, true, e);
	} else {
		rc = runc_start_fast(s, c) ? 0 : runc_start(s, c, e);
		if (rc < 0)
			err_wrap(e, "OCI runtime start failed");
	}
	if (rc == 0 && !c->oom && c->cgroup.lines)
		c->oom = oom_watch(s, &c->cgroup, c->id);
	return rc;
}

int exec_launch(struct shim *s, struct process *p, struct err *e)
{
	struct container *c = p->container;
	struct io_owner who = { p->id, NULL, c->options.io_uid, c->options.io_gid };
	int fds[3] = { -1, -1, -1 };
	__attribute__((cleanup(console_close))) struct console con = { .fd = -1 };
	AUTO_FREE char *pid_file = xprintf("%s/%s.pid", c->bundle, p->id);
	int rc;
	if (!exec_prepared(s, p, &rc, e)) {
		if (p->stdio.terminal ? console_listen(&con, e) < 0 : io_open(s, &p->io, &p->stdio, &who, fds, e) < 0)
			return -1;
		rc = runc_exec(s, c, (struct bytes){ p->spec.data, p->spec.len }, pid_file, fds, con.path, e);
		io_started(p->io, fds, rc == 0);
	}
	if (rc < 0)
		return err_wrap(e, "OCI runtime exec failed");
	pid_t pid = file_pid(pid_file);
	if (pid == 0)
		return err_sys(e, "failed to retrieve OCI runtime exec pid");
	p->pid = pid;
	if (!p->stdio.terminal)
		return 0;
	int master = console_receive(s, &con, e);
	return master < 0 ? -1 : io_open_terminal(s, &p->io, &p->stdio, &who, master, e);
}

/* A failed exec will never exit: whoever waits for it, or for the end of its output, is let go. */
static void exec_failed(struct shim *s, struct process *p)
{
	if (p->pid)
		return;
	io_close(s, p->io);
	io_free(p->io);
	p->io = NULL;
	p->failed = true;
	waits_answer(s, p);
}

static int start(struct shim *s, struct process *p, struct err *e)
{
	struct container *c = p->container;
	bool exec = !is_init(p);
	p->starting = true;
	exits_expect(s);
	c->execs_starting += exec;
	int rc = exec ? exec_launch(s, p, e) : start_init(s, c, e);
	p->starting = false;
	c->execs_starting -= exec;
	if (rc == 0) {
		p->status = ST_RUNNING;
		event_start(s, p);
	} else if (exec) {
		exec_failed(s, p);
	}
	buf_free(&p->spec);
	if (p->pid)
		exit_check(s, p);
	exits_expected(s);
	waitq_wake(s->loop, &c->execs_settled);
	return rc;
}

enum handled task_start(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct container *c = container_get(s, call->req.id, e);
	struct process *p = c ? process_get(c, call->req.exec_id, e) : NULL;
	if (!p)
		return FAILED;
	c->refs++;
	p->refs++;
	co_lock(s->loop, &p->lock);
	int rc = may_start(p, e);
	if (rc == 0)
		rc = start(s, p, e);
	if (rc == 0)
		pb_u64(reply, 1, (uint64_t)p->pid);
	co_unlock(s->loop, &p->lock);
	process_put(p);
	container_put(c);
	return rc < 0 ? FAILED : ANSWER;
}
