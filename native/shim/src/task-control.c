#include "events.h"
#include "file.h"
#include "json.h"
#include "runc.h"
#include "service.h"

#include <errno.h>
#include <signal.h>

static int not_while(const char *verb, const struct container *c, struct err *e)
{
	return err_set(e, CODE_UNKNOWN, "cannot %s a %s container", verb, status_name(c->init.status));
}

static int pause_now(struct shim *s, struct container *c, struct err *e)
{
	if (c->init.status == ST_CREATED)
		return err_set(e, CODE_UNKNOWN, "cannot pause task in created state");
	if (c->init.status != ST_RUNNING)
		return not_while("pause", c, e);
	c->init.status = ST_PAUSING;
	int rc = runc_pause(s, c, e);
	if (c->init.status == ST_PAUSING) /* it may have ended meanwhile */
		c->init.status = rc == 0 ? ST_PAUSED : ST_RUNNING;
	if (rc < 0)
		return err_wrap(e, "OCI runtime pause failed");
	event_paused(s, c);
	return 0;
}

static int resume_now(struct shim *s, struct container *c, struct err *e)
{
	if (c->init.status == ST_CREATED)
		return err_set(e, CODE_UNKNOWN, "cannot resume task in created state");
	if (c->init.status == ST_RUNNING)
		return err_set(e, CODE_UNKNOWN, "cannot resume a running process");
	if (c->init.status != ST_PAUSED)
		return not_while("resume", c, e);
	if (runc_resume(s, c, e) < 0)
		return err_wrap(e, "OCI runtime resume failed");
	if (c->init.status == ST_PAUSED)
		c->init.status = ST_RUNNING;
	event_resumed(s, c);
	return 0;
}

/* One operation on a container at a time, and none on one that is gone when its turn comes. */
static enum handled locked(struct shim *s, struct call *call, struct err *e,
			   int (*op)(struct shim *, struct container *, struct err *))
{
	struct container *c = container_get(s, call->req.id, e);
	if (!c)
		return FAILED;
	c->refs++;
	co_lock(s->loop, &c->init.lock);
	int rc = c->deleted ? err_set(e, CODE_NOT_FOUND, "container not created: not found") : op(s, c, e);
	co_unlock(s->loop, &c->init.lock);
	container_put(c);
	return rc < 0 ? FAILED : ANSWER;
}

enum handled task_pause(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	(void)reply;
	return locked(s, call, e, pause_now);
}

enum handled task_resume(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	(void)reply;
	return locked(s, call, e, resume_now);
}

static int update_now(struct shim *s, struct container *c, const struct buf *resources, struct err *e)
{
	if (c->deleted)
		return err_set(e, CODE_NOT_FOUND, "container not created: not found");
	if (c->init.status == ST_STOPPED)
		return not_while("update", c, e);
	if (!json_valid(resources->data, resources->len))
		return err_set(e, CODE_INVALID_ARGUMENT, "resources are not JSON: invalid argument");
	return runc_update(s, c, (struct bytes){ resources->data, resources->len }, e);
}

enum handled task_update(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct container *c = container_get(s, call->req.id, e);
	(void)reply;
	if (!c)
		return FAILED;
	c->refs++;
	co_lock(s->loop, &c->init.lock);
	int rc = update_now(s, c, &call->req.any, e);
	co_unlock(s->loop, &c->init.lock);
	container_put(c);
	return rc < 0 ? FAILED : ANSWER;
}

enum handled task_resize_pty(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct container *c = container_get(s, call->req.id, e);
	struct process *p = c ? process_get(c, call->req.exec_id, e) : NULL;
	(void)reply;
	if (!p)
		return FAILED;
	if (!is_init(p) && p->status == ST_STOPPED) {
		err_set(e, CODE_UNKNOWN, "cannot resize a stopped container");
		return FAILED;
	}
	return io_resize(p->io, (unsigned)call->req.width, (unsigned)call->req.height, e) < 0 ? FAILED : ANSWER;
}

enum handled task_close_io(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct container *c = container_get(s, call->req.id, e);
	struct process *p = c ? process_get(c, call->req.exec_id, e) : NULL;
	(void)reply;
	if (!p)
		return FAILED;
	if (call->req.stdin_too)
		io_close_stdin(s, p->io);
	return ANSWER;
}

/* The processes are our children, so their pids cannot be anybody else's before we collect them. */
static int kill_pid(const struct process *p, int signal, struct err *e)
{
	if (p->pid == 0)
		return err_set(e, CODE_FAILED_PRECONDITION, "process not created: failed precondition");
	if (p->status == ST_STOPPED || p->exit_pending || (kill(p->pid, signal) < 0 && errno == ESRCH))
		return err_set(e, CODE_NOT_FOUND, "process already finished: not found");
	return 0;
}

/* A frozen process of version 1 does not die before it is thawed. */
static bool needs_runtime(const struct container *c, const struct request *r)
{
	bool frozen = c->init.status == ST_PAUSED || c->init.status == ST_PAUSING;
	return r->all || !runc_is_plain(c) || (frozen && r->signal == SIGKILL);
}

enum handled task_kill(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	const struct request *r = &call->req;
	struct container *c = container_await(s, r->id, e);
	struct process *p = c ? process_get(c, r->exec_id, e) : NULL;
	int rc;
	(void)reply;
	if (!p)
		return FAILED;
	if (r->signal > (uint64_t)SIGRTMAX) {
		err_set(e, CODE_INVALID_ARGUMENT, "signal %llu: invalid argument", (unsigned long long)r->signal);
		return FAILED;
	}
	if (!is_init(p) || !needs_runtime(c, r))
		return kill_pid(p, (int)r->signal, e) < 0 ? FAILED : ANSWER;
	c->refs++;
	rc = runc_kill(s, c, (int)r->signal, r->all, e);
	container_put(c);
	return rc < 0 ? FAILED : ANSWER;
}
