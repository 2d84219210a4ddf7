#include "bundle.h"
#include "console.h"
#include "events.h"
#include "exits.h"
#include "file.h"
#include "identifier.h"
#include "launch.h"
#include "rootfs-check.h"
#include "runc.h"
#include "service.h"
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static char *take(char **from)
{
	char *s = *from;
	*from = NULL;
	return s;
}

static int mount_rootfs(struct shim *s, struct container *c, const struct request *r, struct err *e)
{
	if (r->rootfs_count == 0)
		return 0;
	c->rootfs = xprintf("%s/rootfs", c->bundle);
	if (mkdir(c->rootfs, 0711) < 0 && errno != EEXIST)
		return err_sys(e, "mkdir %s", c->rootfs);
	for (size_t i = 0; i < r->rootfs_count; i++)
		if (mount_one(&r->rootfs[i], c->rootfs, e) < 0)
			return -1;
	(void)s;
	return 0;
}

/* The runtime's create or restore, with the process's I/O around it. */
int container_launch(struct shim *s, struct container *c, bool restore, struct err *e)
{
	struct process *p = &c->init;
	struct io_owner who = { c->id, c->bundle, c->options.io_uid, c->options.io_gid };
	int (*launch)(struct shim *, struct container *, const int *, const char *, struct err *) =
		restore ? runc_restore : runc_create;
	const char *failed = restore ? "OCI runtime restore failed" : "OCI runtime create failed";
	int fds[3] = { -1, -1, -1 };
	__attribute__((cleanup(console_close))) struct console con = { .fd = -1 };
	if (p->stdio.terminal ? console_listen(&con, e) < 0 : io_open(s, &p->io, &p->stdio, &who, fds, e) < 0)
		return -1;
	c->launched = true;
	int rc = launch(s, c, fds, con.path, e);
	io_started(p->io, fds, rc == 0);
	if (rc < 0)
		return err_wrap(e, "%s", failed);
	if (p->stdio.terminal) {
		int master = console_receive(s, &con, e);
		if (master < 0 || io_open_terminal(s, &p->io, &p->stdio, &who, master, e) < 0)
			return -1;
	}
	AUTO_FREE char *pid_file = xprintf("%s/init.pid", c->bundle);
	p->pid = file_pid(pid_file);
	if (p->pid == 0)
		return err_sys(e, "failed to retrieve OCI runtime container pid");
	cgroup_of_pid(&c->cgroup, p->pid);
	return 0;
}

/* What another container of the same name has left or uses is not ours to delete. */
static void undo(struct shim *s, struct container *c, const struct err *why)
{
	struct err e = { 0 };
	bool ours = c->init.pid || (c->launched && !strstr(why->msg, "already exists"));
	if (ours && runc_delete(s, c, true, &e) < 0)
		log_warn(s, "failed to delete %s after it could not be created: %s", c->id, e.msg);
	io_close(s, c->init.io);
	if (c->rootfs && unmount_all(s->loop, c->rootfs, &e) < 0)
		log_warn(s, "failed to cleanup rootfs mount: %s", e.msg);
	container_remove(s, c);
}

static int create(struct shim *s, struct container *c, struct request *r, struct err *e)
{
	options_init(&c->options);
	c->init.stdio = (struct stdio){ take(&r->in), take(&r->out), take(&r->err), r->terminal };
	if (options_from_any(&c->options, r->any_type, (struct bytes){ r->any.data, r->any.len }, e) < 0 ||
	    options_save(&c->options, c->bundle, e) < 0 || mount_rootfs(s, c, r, e) < 0 ||
	    rootfs_check(c->bundle, e) < 0)
		return -1;
	c->private_pids = bundle_private_pids(c->bundle);
	c->poststart = bundle_poststart(c->bundle);
	if (*r->checkpoint) {
		c->checkpoint = take(&r->checkpoint);
		c->parent_checkpoint = take(&r->parent_checkpoint);
		return 0;
	}
	return container_launch(s, c, false, e);
}

enum handled task_create(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct request *r = &call->req;
	if (!identifier_valid(r->id) || *r->bundle != '/') {
		err_set(e, CODE_INVALID_ARGUMENT, "create task %s in %s: invalid argument", r->id, r->bundle);
		return FAILED;
	}
	if (container_find(s, r->id)) {
		err_set(e, CODE_ALREADY_EXISTS, "task %s: already exists", r->id);
		return FAILED;
	}
	if (sandbox_admits(s, e) < 0)
		return FAILED;
	struct container *c = container_add(s, r->id, r->bundle);
	exits_expect(s);
	if (create(s, c, r, e) < 0) {
		undo(s, c, e);
		exits_expected(s);
		waitq_wake(s->loop, &s->created);
		return FAILED;
	}
	c->creating = false;
	waitq_wake(s->loop, &s->created);
	event_create(s, c, r->rootfs, r->rootfs_count);
	pb_u64(reply, 1, (uint64_t)c->init.pid);
	exit_check(s, &c->init);
	exits_expected(s);
	return ANSWER;
}
