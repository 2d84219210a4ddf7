/* Notices that the kernel killed for want of memory in a container's group. */
#ifndef OOM_H
#define OOM_H

#include "cgroup.h"
#include "shim.h"

struct oom;

/* Watches from now on and publishes /tasks/oom; NULL (and a line in the log) when it cannot. */
struct oom *oom_watch(struct shim *s, const struct cgroup *cg, const char *container_id);
void oom_unwatch(struct shim *s, struct oom *o);

#endif
