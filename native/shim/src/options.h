/* containerd.runc.v1.Options: how one container's runtime is to be called. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "base.h"

struct runc_options {
	bool no_pivot_root, no_new_keyring, systemd_cgroup;
	uint32_t io_uid, io_gid;
	char *shim_cgroup, *binary_name, *root, *criu_path, *criu_image_path, *criu_work_path; /* never NULL */
};

void options_init(struct runc_options *o);
void options_free(struct runc_options *o);
/* INVALID_ARGUMENT when the bytes are no such message. */
int options_decode(struct runc_options *o, struct bytes in, struct err *e);
/* From an Any; an empty type is all defaults, another type INVALID_ARGUMENT. */
int options_from_any(struct runc_options *o, const char *type_url, struct bytes value, struct err *e);
/* `options.json` and `runtime` of a bundle: what a later `delete` has to know. */
int options_save(const struct runc_options *o, const char *bundle, struct err *e);
int options_load(struct runc_options *o, const char *bundle, struct err *e);

#endif
