/* A sealed copy of the runtime's program, which the daemon holds for all shims. runc makes such a copy of itself at each call
   that enters a container, so that nothing inside can write to its program; started from one, it need not. */
#ifndef RUNTIME_COPY_H
#define RUNTIME_COPY_H

#include "shim.h"

/* Takes the copy that BERTH_RUNTIME_COPY names, when there is one and it is sealed; nobody who is started later sees the variable.
   Without one, programs are started from where they lie. */
void runtime_copy_take(struct runtime_copy *copy);
/* A path to start `program` by: that of the copy as long as the program on disk is the one that was copied, else NULL. The caller frees it. */
char *runtime_copy_path(const struct runtime_copy *copy, const char *program);

#endif
