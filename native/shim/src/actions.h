/* What the program can be told to do. Each prints its result to stdout. */
#ifndef ACTIONS_H
#define ACTIONS_H

#include "args.h"

#define SHIM_NAME "containerd-shim-runc-v2"

int action_start(const struct args *a, struct err *e);
int action_delete(const struct args *a, struct err *e);
int action_info(const struct args *a, struct err *e);
int action_version(void);

/* All of it, or an error. */
int print(const void *data, size_t len, struct err *e);

#endif
