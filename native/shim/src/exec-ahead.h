/* A runtime that is started when an exec is made, not only when it is started: between the two a client takes a
   millisecond or more, in which runc can come up and read its state. It then waits for the process's description, which
   is a pipe that is filled by the start. What is not started soon, or not as expected, is thrown away, and the start does
   everything itself. */
#ifndef EXEC_AHEAD_H
#define EXEC_AHEAD_H

#include "container.h"

/* Begins, where that is possible; tells nobody where it is not. */
void exec_prepare(struct shim *s, struct process *p);
/* True when what was begun has been used: then *rc and e say how it went. In a coroutine, with the process locked. */
bool exec_prepared(struct shim *s, struct process *p, int *rc, struct err *e);
/* Throws away what was begun, if anything was. */
void exec_unprepare(struct process *p);

#endif
