/* The requests of tasks and sandboxes. They share most of their fields, so one struct holds any of them;
   which number means which field is a table per method. */
#ifndef REQUEST_H
#define REQUEST_H

#include "base.h"
#include "mount.h"

struct request {
	char *id, *exec_id, *bundle, *in, *out, *err, *checkpoint, *parent_checkpoint, *path; /* never NULL */
	char *any_type; /* options, spec or resources */
	struct buf any;
	uint64_t terminal, stdin_too, all, now, signal, width, height, timeout, verbose;
	struct mount *rootfs;
	size_t rootfs_count;
};

struct request_field {
	uint32_t number; /* 0 ends a table */
	enum { FIELD_TEXT, FIELD_NUMBER, FIELD_ANY, FIELD_MOUNT } kind;
	size_t at; /* in struct request; unused for the last two */
};

extern const struct request_field fields_id[], fields_create[], fields_process[], fields_exec[], fields_resize[],
	fields_kill[], fields_close_io[], fields_checkpoint[], fields_update[], fields_shutdown[],
	fields_sandbox[], fields_stop_sandbox[], fields_sandbox_status[];

/* INVALID_ARGUMENT when malformed. Free it in any case. */
int request_decode(struct request *r, const struct request_field *fields, struct bytes in, struct err *e);
void request_free(struct request *r);

#endif
