#include "runc-call.h"

#include <sys/stat.h>

#define NAMESPACES_MAX 8

int runc_checkpoint(struct shim *s, struct container *c, const struct checkpoint *cp, struct err *e)
{
	AUTO_CALL rc;
	runc_begin(&rc, s, c);
	runc_add(&rc, "checkpoint");
	runc_add2(&rc, "--image-path", cp->path);
	runc_add2(&rc, "--work-path", cp->work);
	if (cp->open_tcp)
		runc_add(&rc, "--tcp-established");
	if (cp->external_unix_sockets)
		runc_add(&rc, "--ext-unix-sk");
	if (cp->terminal)
		runc_add(&rc, "--shell-job");
	if (cp->file_locks)
		runc_add(&rc, "--file-locks");
	for (int i = 0; cp->empty_namespaces && cp->empty_namespaces[i] && i < NAMESPACES_MAX; i++)
		runc_add2(&rc, "--empty-ns", cp->empty_namespaces[i]);
	runc_add2(&rc, "--manage-cgroups-mode", cp->cgroups_mode);
	if (!cp->exit)
		runc_add(&rc, "--leave-running");
	runc_add(&rc, c->id);
	return runc_run(s, &rc, e);
}

int runc_restore(struct shim *s, struct container *c, const int fds[3], const char *console, struct err *e)
{
	AUTO_CALL rc;
	runc_begin(&rc, s, c);
	rc.owned[2] = xprintf("%s/init.pid", c->bundle);
	rc.owned[3] = *c->options.criu_work_path ? xstrdup(c->options.criu_work_path) : xprintf("%s/work", c->bundle);
	runc_add(&rc, "restore");
	runc_add2(&rc, "--image-path", c->checkpoint);
	runc_add2(&rc, "--work-path", rc.owned[3]);
	runc_add2(&rc, "--bundle", c->bundle);
	runc_add2(&rc, "--pid-file", rc.owned[2]);
	runc_add2(&rc, "--console-socket", console);
	runc_add(&rc, "--detach");
	runc_add(&rc, "--no-subreaper");
	if (c->options.no_pivot_root)
		runc_add(&rc, "--no-pivot");
	runc_add(&rc, c->id);
	runc_stdio(&rc, fds);
	return runc_run(s, &rc, e);
}
