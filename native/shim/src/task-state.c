#include "runc.h"
#include "service.h"
#include "stats.h"
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A paused container's execs are paused with it. */
static enum status status_of(const struct process *p)
{
	enum status init = p->container->init.status;
	return init == ST_PAUSED || init == ST_PAUSING ? init : p->status;
}

enum handled task_state(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct container *c = container_get(s, call->req.id, e);
	struct process *p = c ? process_get(c, call->req.exec_id, e) : NULL;
	if (!p)
		return FAILED;
	pb_str(reply, 1, is_init(p) ? c->id : p->id);
	pb_str(reply, 2, c->bundle);
	pb_u64(reply, 3, (uint64_t)p->pid);
	pb_u64(reply, 4, status_of(p));
	pb_str(reply, 5, p->stdio.in);
	pb_str(reply, 6, p->stdio.out);
	pb_str(reply, 7, p->stdio.err);
	pb_u64(reply, 8, p->stdio.terminal);
	pb_u64(reply, 9, (uint64_t)(p->status == ST_STOPPED ? p->exit_status : 0));
	if (p->status == ST_STOPPED)
		pb_time(reply, 10, p->exited_at);
	pb_str(reply, 11, is_init(p) ? "" : p->id);
	return ANSWER;
}

static void put_pid(struct container *c, pid_t pid, struct buf *reply)
{
	struct buf info = { 0 };
	pb_u64(&info, 1, (uint64_t)pid);
	for (struct process *p = c->execs; p; p = p->next)
		if (p->pid == pid && p->status == ST_RUNNING) {
			AUTO_BUF details = { 0 };
			pb_str(&details, 1, p->id);
			pb_any(&info, 2, "containerd.runc.v1.ProcessDetails", details.data, details.len);
		}
	pb_msg(reply, 1, &info);
}

enum handled task_pids(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	AUTO_BUF pids = { 0 };
	struct container *c = container_get(s, call->req.id, e);
	if (!c)
		return FAILED;
	c->refs++;
	int rc = 0;
	if (!runc_is_plain(c))
		rc = runc_ps(s, c, &pids, e);
	else if (cgroup_pids(&c->cgroup, &pids) < 0 && errno != ENOENT)
		rc = err_sys(e, "failed to list the processes of %s", c->id);
	for (size_t at = 0; rc == 0 && at < pids.len; at += sizeof(pid_t)) {
		pid_t pid;
		memcpy(&pid, pids.data + at, sizeof(pid));
		put_pid(c, pid, reply);
	}
	container_put(c);
	return rc < 0 ? FAILED : ANSWER;
}

enum handled task_stats(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	AUTO_BUF metrics = { 0 };
	struct container *c = container_get(s, call->req.id, e);
	if (!c)
		return FAILED;
	if (!c->cgroup.lines) {
		err_set(e, CODE_NOT_FOUND, "cgroup does not exist: not found");
		return FAILED;
	}
	if (c->cgroup.unified)
		stats_v2(&c->cgroup, &metrics);
	else
		stats_v1(&c->cgroup, &metrics);
	pb_any(reply, 1, c->cgroup.unified ? "io.containerd.cgroups.v2.Metrics" : "io.containerd.cgroups.v1.Metrics",
	       metrics.data, metrics.len);
	return ANSWER;
}

enum handled task_connect(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct container *c = container_find(s, call->req.id);
	(void)e;
	pb_u64(reply, 1, (uint64_t)getpid());
	pb_u64(reply, 2, c ? (uint64_t)c->init.pid : 0);
	return ANSWER;
}
