/* A log program (binary:// URI): reads a process's stdout and stderr from its fds 3 and 4. */
#ifndef LOGGER_H
#define LOGGER_H

#include "shim.h"
#include "uri.h"

struct logger;

/* Starts it and waits until it closes its fd 5 (or writes to it), which says that it is ready.
   Takes neither fd. In a coroutine. */
struct logger *logger_start(struct shim *s, const struct uri *u, const char *id, int out, int err, struct err *e);
/* Asks it to end, after 12 seconds forces it, frees it. In a coroutine. */
void logger_stop(struct shim *s, struct logger *lg);

#endif
