#include "events.h"
#include "exec-ahead.h"
#include "runc.h"
#include "service.h"
#include "wire.h"

#include <unistd.h>

#define DRAIN_MS 2000
/* A container deleted before it was started is killed by that. */
#define EXIT_MS 10000

static int may_delete(const struct process *p, struct err *e)
{
	if (p->deleted || p->container->deleted)
		return err_set(e, CODE_NOT_FOUND, "process does not exist %s: not found", p->id);
	if (p->status == ST_RUNNING || p->status == ST_PAUSED || p->status == ST_PAUSING)
		return err_set(e, CODE_UNKNOWN, "cannot delete a %s process", status_name(p->status));
	return 0;
}

static int delete_exec(struct shim *s, struct process *p)
{
	AUTO_FREE char *pid_file = xprintf("%s/%s.pid", p->container->bundle, p->id);
	exec_unprepare(p);
	io_drain(s, p->io, DRAIN_MS);
	io_close(s, p->io);
	unlink(pid_file);
	p->failed = true;
	waits_answer(s, p);
	return 0;
}

static int delete_init(struct shim *s, struct container *c, struct err *e)
{
	struct process *p = &c->init;
	if ((p->pid || !c->checkpoint) && runc_delete(s, c, false, e) < 0)
		return err_wrap(e, "failed to delete task");
	if (p->status != ST_STOPPED && p->pid)
		waitq_wait(s->loop, &p->exited, EXIT_MS);
	io_drain(s, p->io, DRAIN_MS);
	io_close(s, p->io);
	if (c->rootfs && unmount_all(s->loop, c->rootfs, e) < 0)
		return -1;
	p->failed = true;
	waits_answer(s, p);
	event_delete(s, c);
	return 0;
}

static void put_reply(const struct process *p, struct buf *reply)
{
	pb_u64(reply, 1, (uint64_t)p->pid);
	pb_u64(reply, 2, (uint64_t)p->exit_status);
	pb_time(reply, 3, p->exited_at);
}

enum handled task_delete(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct container *c = container_await(s, call->req.id, e);
	struct process *p = c ? process_get(c, call->req.exec_id, e) : NULL;
	if (!p)
		return FAILED;
	c->refs++;
	p->refs++;
	co_lock(s->loop, &p->lock);
	int rc = may_delete(p, e);
	if (rc == 0)
		rc = is_init(p) ? delete_init(s, c, e) : delete_exec(s, p);
	if (rc == 0) {
		put_reply(p, reply);
		if (is_init(p))
			container_remove(s, c);
		else
			process_remove(p);
	}
	co_unlock(s->loop, &p->lock);
	process_put(p);
	container_put(c);
	return rc < 0 ? FAILED : ANSWER;
}
