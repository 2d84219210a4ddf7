/* Calling the OCI runtime: its arguments, its errors. Everything here runs in a coroutine. */
#ifndef RUNC_H
#define RUNC_H

#include "container.h"

#define RUNC_ROOT "/run/containerd/runc"

/* fds: the container's stdio (create, exec, restore). `console`: path of a console socket or NULL. */
int runc_create(struct shim *s, struct container *c, const int fds[3], const char *console, struct err *e);
int runc_restore(struct shim *s, struct container *c, const int fds[3], const char *console, struct err *e);
int runc_start(struct shim *s, struct container *c, struct err *e);
/* What `runc start` does, without starting a runc: its init waits on a fifo beside its state. False
   when this container or runtime is not of that kind; then nothing has been done. */
bool runc_start_fast(struct shim *s, struct container *c);
/* `spec`: the process as JSON. */
int runc_exec(struct shim *s, struct container *c, struct bytes spec, const char *pid_file, const int fds[3],
	      const char *console, struct err *e);
/* Deleting what the runtime does not know is success. */
int runc_delete(struct shim *s, struct container *c, bool force, struct err *e);
int runc_kill(struct shim *s, struct container *c, int signal, bool all, struct err *e);
int runc_kill_all(struct shim *s, struct container *c, int signal, struct err *e);
int runc_pause(struct shim *s, struct container *c, struct err *e);
int runc_resume(struct shim *s, struct container *c, struct err *e);
int runc_update(struct shim *s, struct container *c, struct bytes resources, struct err *e);
int runc_ps(struct shim *s, struct container *c, struct buf *pids /* of pid_t */, struct err *e);

struct checkpoint {
	const char *path, *work;
	bool exit, open_tcp, external_unix_sockets, terminal, file_locks;
	char **empty_namespaces; /* NULL-terminated, or NULL */
	const char *cgroups_mode;
};
int runc_checkpoint(struct shim *s, struct container *c, const struct checkpoint *cp, struct err *e);

/* Does the runtime run plain processes in plain cgroups, so that a signal or a look at cgroup.procs
   can be had without starting it? */
bool runc_is_plain(const struct container *c);
/* Is it runc itself, whose way of working is known? */
bool runc_is_runc(const struct container *c);

#endif
