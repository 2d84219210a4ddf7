#include "runc.h"

#include "file.h"
#include "json.h"
#include "runc-call.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>


static int simple(struct shim *s, struct container *c, const char *verb, const char *flag, struct err *e)
{
	AUTO_CALL rc;
	runc_begin(&rc, s, c);
	runc_add(&rc, verb);
	if (flag)
		runc_add(&rc, flag);
	runc_add(&rc, c->id);
	return runc_run(s, &rc, e);
}

int runc_create(struct shim *s, struct container *c, const int fds[3], const char *console, struct err *e)
{
	AUTO_CALL rc;
	runc_begin(&rc, s, c);
	rc.owned[2] = xprintf("%s/init.pid", c->bundle);
	runc_add(&rc, "create");
	runc_add2(&rc, "--bundle", c->bundle);
	runc_add2(&rc, "--pid-file", rc.owned[2]);
	runc_add2(&rc, "--console-socket", console);
	if (c->options.no_pivot_root)
		runc_add(&rc, "--no-pivot");
	if (c->options.no_new_keyring)
		runc_add(&rc, "--no-new-keyring");
	runc_add(&rc, c->id);
	runc_stdio(&rc, fds);
	return runc_run(s, &rc, e);
}

int runc_start(struct shim *s, struct container *c, struct err *e)
{
	return simple(s, c, "start", NULL, e);
}

int runc_pause(struct shim *s, struct container *c, struct err *e)
{
	return simple(s, c, "pause", NULL, e);
}

int runc_resume(struct shim *s, struct container *c, struct err *e)
{
	return simple(s, c, "resume", NULL, e);
}

int runc_delete(struct shim *s, struct container *c, bool force, struct err *e)
{
	if (simple(s, c, "delete", force ? "--force" : NULL, e) == 0 || strstr(e->msg, "does not exist"))
		return 0;
	return -1;
}

void runc_exec_call(struct runc_call *rc, const struct shim *s, const struct container *c, const char *spec,
		    const char *pid_file, const int fds[3], const char *console)
{
	runc_begin(rc, s, c);
	runc_add(rc, "exec");
	runc_add2(rc, "--process", spec);
	runc_add2(rc, "--console-socket", console);
	runc_add(rc, "--detach");
	runc_add2(rc, "--pid-file", pid_file);
	runc_add(rc, c->id);
	runc_stdio(rc, fds);
}

int runc_exec(struct shim *s, struct container *c, struct bytes spec, const char *pid_file, const int fds[3],
	      const char *console, struct err *e)
{
	AUTO_FREE char *path = NULL;
	AUTO_FD fd = runc_memfd(spec, &path, e);
	if (fd < 0)
		return -1;
	AUTO_CALL rc;
	runc_exec_call(&rc, s, c, path, pid_file, fds, console);
	return runc_run(s, &rc, e);
}

/* The runtime's words for "it is not there any more" become NOT_FOUND. */
static int kill_error(struct err *e)
{
	if (strstr(e->msg, "process already finished") || strstr(e->msg, "container not running") ||
	    strcasestr(e->msg, "no such process"))
		return err_set(e, CODE_NOT_FOUND, "process already finished: not found");
	if (strstr(e->msg, "does not exist"))
		return err_set(e, CODE_NOT_FOUND, "no such container: not found");
	return err_wrap(e, "unknown error after kill");
}

int runc_kill(struct shim *s, struct container *c, int signal, bool all, struct err *e)
{
	AUTO_CALL rc;
	runc_begin(&rc, s, c);
	rc.owned[2] = xprintf("%d", signal);
	runc_add(&rc, "kill");
	if (all)
		runc_add(&rc, "--all");
	runc_add(&rc, c->id);
	runc_add(&rc, rc.owned[2]);
	return runc_run(s, &rc, e) == 0 ? 0 : kill_error(e);
}

int runc_kill_all(struct shim *s, struct container *c, int signal, struct err *e)
{
	if (runc_kill(s, c, signal, true, e) == 0 || e->code == CODE_NOT_FOUND)
		return 0;
	return -1;
}

int runc_update(struct shim *s, struct container *c, struct bytes resources, struct err *e)
{
	AUTO_CALL rc;
	runc_begin(&rc, s, c);
	AUTO_FD fd = runc_memfd(resources, &rc.owned[2], e);
	if (fd < 0)
		return -1;
	runc_add(&rc, "update");
	runc_add2(&rc, "--resources", rc.owned[2]);
	runc_add(&rc, c->id);
	return runc_run(s, &rc, e);
}

int runc_ps(struct shim *s, struct container *c, struct buf *pids, struct err *e)
{
	AUTO_CALL rc;
	AUTO_BUF text = { 0 };
	runc_begin(&rc, s, c);
	runc_add(&rc, "ps");
	runc_add2(&rc, "--format", "json");
	runc_add(&rc, c->id);
	if (runc_run(s, &rc, e) < 0)
		return -1;
	if (rc.output < 0 || lseek(rc.output, 0, SEEK_SET) < 0 || fd_read(rc.output, 4 << 20, &text) < 0)
		return err_sys(e, "read the runtime's list of processes");
	struct json j = json_read(text.data, text.len);
	for (bool first = true; json_kind(&j) != 'n' && json_element(&j, &first);) {
		pid_t pid = (pid_t)json_u64(&j);
		buf_add(pids, &pid, sizeof(pid));
	}
	return j.bad ? err_set(e, CODE_UNKNOWN, "the runtime's list of processes is not JSON") : 0;
}

static const char *runtime_name(const struct container *c)
{
	const char *slash = strrchr(c->options.binary_name, '/');
	return slash ? slash + 1 : c->options.binary_name;
}

bool runc_is_runc(const struct container *c)
{
	const char *name = runtime_name(c);
	return !*name || strcmp(name, "runc") == 0;
}

bool runc_is_plain(const struct container *c)
{
	const char *name = runtime_name(c);
	return runc_is_runc(c) || strcmp(name, "crun") == 0 || strcmp(name, "youki") == 0;
}
