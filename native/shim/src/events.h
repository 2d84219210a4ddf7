/* The events of tasks: their messages and topics. Each is queued in the order of the calls. */
#ifndef EVENTS_H
#define EVENTS_H

#include "container.h"
#include "mount.h"

void event_create(struct shim *s, const struct container *c, const struct mount *rootfs, size_t count);
void event_start(struct shim *s, const struct process *p); /* of an exec: exec-started */
void event_exec_added(struct shim *s, const struct process *p);
void event_exit(struct shim *s, const struct process *p);
void event_delete(struct shim *s, const struct container *c);
void event_paused(struct shim *s, const struct container *c);
void event_resumed(struct shim *s, const struct container *c);
void event_oom(struct shim *s, const char *container_id);
void event_checkpointed(struct shim *s, const struct container *c, const char *path);

/* containerd.types.Mount, as field `field` of b. */
void pb_mount(struct buf *b, uint32_t field, const struct mount *m);

#endif
