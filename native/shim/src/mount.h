/* Mounting what the daemon gives as a container's root, and taking it away. */
#ifndef MOUNT_H
#define MOUNT_H

#include "base.h"

struct mount {
	char *type, *source, *target; /* target: below the root, usually "" */
	char **options;
	size_t option_count;
};

struct mount_flags {
	unsigned long flags;       /* MS_* of the mount itself */
	unsigned long propagation; /* MS_SHARED and so on, with MS_REC; 0: none */
	bool loop;                 /* the source is a file, to be shown by a block device */
	struct buf data;           /* what is left, comma-separated, NUL-terminated */
};

/* INVALID_ARGUMENT for what needs more than this shim does: id-mapped mounts, and what is to be done before a mount. */
int mount_options(const struct mount *m, struct mount_flags *f, struct err *e);
int mount_one(const struct mount *m, const char *root, struct err *e);
/* Everything mounted at the path. Waits a little for a busy mount (in a coroutine when `l` is given),
   then detaches it. */
struct loop;
int unmount_all(struct loop *l, const char *path, struct err *e);
void mount_free(struct mount *m);

/* An overlay whose options do not fit into a page. */
int overlay_mount_long(const struct mount *m, unsigned long flags, const char *target, struct err *e);
#define MOUNT_DATA_MAX 4095

#endif
