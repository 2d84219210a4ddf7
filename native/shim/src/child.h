/* Starting programs and collecting what exits. */
#ifndef CHILD_H
#define CHILD_H

#include "shim.h"

/* fds[n] becomes the child's fd n; -1 is /dev/null for 0 to 2 and nothing above. */
struct spawn {
	const char *const *argv; /* argv[0] is looked up in PATH unless it has a slash */
	char *const *env;        /* NULL: the shim's own */
	int fds[6];
};

struct child {
	struct child *next;
	pid_t pid;
	int status; /* as containerd counts: exit code, or 128 + signal */
	bool exited;
	struct waitq q;
};

/* The path of a program as the shell would find it; NULL with an error. */
char *program_path(const char *name, struct err *e);
int child_spawn(struct shim *s, struct child *c, const struct spawn *sp, struct err *e);
/* In a coroutine. False when `ms` have passed; negative waits for ever. */
bool child_wait(struct shim *s, struct child *c, int ms);
/* Stops waiting for it: it will be reaped unseen. */
void child_forget(struct shim *s, struct child *c);
/* Collects everything that has exited: on SIGCHLD. */
void reap_all(struct shim *s);

#endif
