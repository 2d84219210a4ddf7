/* A sandbox that is no more than this shim and the containers in it: an account is kept of it, and nothing runs for it. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "base.h"

#include <time.h>

struct call;
struct conn;
struct shim;

struct sandbox {
	char *id; /* NULL: this shim is none */
	bool started;
	bool ending; /* takes no more containers */
	bool ended;
	struct timespec created_at, exited_at;
	struct call *waiters;
};

/* Fails where the sandbox is ending: what comes now would outlive it. */
int sandbox_admits(const struct shim *s, struct err *e);
/* Forgets the waits of a connection. */
void sandbox_drop(struct shim *s, const struct conn *conn);
void sandbox_free(struct sandbox *box);

#endif
