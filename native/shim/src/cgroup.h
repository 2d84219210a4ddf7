/* Where a container's control groups are. */
#ifndef CGROUP_H
#define CGROUP_H

#include "base.h"

struct cgroup {
	bool unified; /* version 2 */
	char *lines;  /* /proc/PID/cgroup, as it was when the container was created; NULL: unknown */
};

#define CGROUP_ROOT "/sys/fs/cgroup"

bool cgroup_unified(void);
int cgroup_of_pid(struct cgroup *cg, pid_t pid);
void cgroup_free(struct cgroup *cg);
/* The directory of a version 1 controller, or with "" of version 2; NULL when there is none. */
char *cgroup_dir(const struct cgroup *cg, const char *controller);
/* All pids in the group and below it. -1 with errno. */
int cgroup_pids(const struct cgroup *cg, struct buf *pids /* of pid_t */);
/* Puts this process into a group that must exist. */
int cgroup_join(const char *path, struct err *e);

#endif
