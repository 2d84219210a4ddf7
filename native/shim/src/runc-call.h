/* One call of the runtime, used by the runc-*.c files. */
#ifndef RUNC_CALL_H
#define RUNC_CALL_H

#include "child.h"
#include "runc.h"

#define RUNC_ARGS_MAX 64

struct runc_call {
	const char *argv[RUNC_ARGS_MAX];
	int argc;
	int fds[3];       /* -1: /dev/null, or for output a place from which error text is taken */
	char *owned[4];   /* made for the call, freed after it */
	int log, output;  /* memfds */
};

/* Program, root, log and the like; then come the words of the command. */
void runc_begin(struct runc_call *rc, const struct shim *s, const struct container *c);
void runc_add(struct runc_call *rc, const char *word);
void runc_add2(struct runc_call *rc, const char *flag, const char *value); /* nothing when value is "" or NULL */
/* What the container inherits: never our memfds. The shim's own 0, 1 and 2 are /dev/null. */
void runc_stdio(struct runc_call *rc, const int fds[3]);
/* A memfd with these bytes, and the path under which the runtime can open it. */
int runc_memfd(struct bytes content, char **path, struct err *e);
/* Runs it to its end. The error is the runtime's own last one. */
int runc_run(struct shim *s, struct runc_call *rc, struct err *e);
/* The same in two steps. */
int runc_spawn(struct shim *s, struct runc_call *rc, struct child *child, struct err *e);
int runc_wait(struct shim *s, struct runc_call *rc, struct child *child, struct err *e);
/* The words of an exec; `spec` is a path. Both paths must stay until it runs. */
void runc_exec_call(struct runc_call *rc, const struct shim *s, const struct container *c, const char *spec,
		    const char *pid_file, const int fds[3], const char *console);
void runc_end(struct runc_call *rc);

#define AUTO_CALL __attribute__((cleanup(runc_end))) struct runc_call

#endif
