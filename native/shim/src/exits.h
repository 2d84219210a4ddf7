/* What happens when a process of a container ends, and in which order it is told. */
#ifndef EXITS_H
#define EXITS_H

#include "container.h"

/* An exit of a pid that is nobody's child program. Kept for a while when a create or exec is under
   way, since the process may be its. */
void exit_collected(struct shim *s, pid_t pid, int status, struct timespec at);
/* Between these two, exits of unknown pids are kept. */
void exits_expect(struct shim *s);
void exits_expected(struct shim *s);
/* Called once the pid of p is known and its start has been told: was it over already? */
void exit_check(struct shim *s, struct process *p);

#endif
