/* Containers and their processes: what is known of them, and how to find them. */
#ifndef CONTAINER_H
#define CONTAINER_H

#include "cgroup.h"
#include "io.h"
#include "oom.h"
#include "options.h"
#include "shim.h"

/* The values of containerd.v1.types.Status. */
enum status { ST_UNKNOWN, ST_CREATED, ST_RUNNING, ST_STOPPED, ST_PAUSED, ST_PAUSING };

struct call;

struct process {
	struct process *next;
	struct container *container;
	char *id; /* "" for init */
	int refs;
	enum status status;
	bool deleted;
	bool starting;      /* its exit, if one comes, has to wait for the start to be told */
	bool exit_pending;  /* … and this is it */
	bool failed;        /* an exec that could not be started: waits end, the state stays */
	pid_t pid;
	int exit_status;
	struct timespec exited_at;
	struct stdio stdio;
	struct io *io;
	struct buf spec; /* of an exec: the process, JSON, until it is started */
	struct ahead *ahead; /* of an exec: see exec-ahead.h */
	struct call *waiters;
	struct waitq exited;
	struct co_lock lock;
};

struct container {
	struct container *next;
	int refs;
	bool creating, deleted, launched;
	char *id, *bundle, *rootfs; /* rootfs: NULL when nothing was mounted */
	struct runc_options options;
	bool private_pids, poststart;
	char *checkpoint, *parent_checkpoint; /* to be restored from, at start */
	struct cgroup cgroup;
	struct oom *oom;
	struct process init;
	struct process *execs;
	int execs_starting;
	struct waitq execs_settled;
};

struct container *container_add(struct shim *s, const char *id, const char *bundle);
/* References keep the memory, not the container: after a wait look at `deleted`. */
void container_put(struct container *c);
void container_remove(struct shim *s, struct container *c);
/* Also finds those still being created. */
struct container *container_find(struct shim *s, const char *id);
/* A created container, or NOT_FOUND. */
struct container *container_get(struct shim *s, const char *id, struct err *e);

/* The same, but waits for one that is being created: a daemon that gave up on a create asks for the
   end of what may come of it. In a coroutine. */
struct container *container_await(struct shim *s, const char *id, struct err *e);
bool container_any_creating(const struct shim *s);

struct process *process_add(struct container *c, const char *id);
void process_remove(struct process *p);
void process_put(struct process *p);
/* "" is init. */
struct process *process_get(struct container *c, const char *exec_id, struct err *e);
struct process *process_of_pid(struct shim *s, pid_t pid);
const char *status_name(enum status st);
bool is_init(const struct process *p);

#endif
