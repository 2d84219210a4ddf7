/* Starting what was created. */
#ifndef LAUNCH_H
#define LAUNCH_H

#include "container.h"

/* The runtime's create or restore with the process's I/O around it; leaves the pid in c->init. */
int container_launch(struct shim *s, struct container *c, bool restore, struct err *e);
/* The runtime's exec; leaves the pid in p. */
int exec_launch(struct shim *s, struct process *p, struct err *e);

#endif
