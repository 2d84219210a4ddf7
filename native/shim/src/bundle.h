/* What the shim needs to know of a bundle's config.json. */
#ifndef BUNDLE_H
#define BUNDLE_H

#include "base.h"

/* The annotation that puts a container into a group, or NULL. -1 when config.json cannot be read. */
int bundle_group(const char *bundle, char **group, struct err *e);
/* Does the container have a pid namespace of its own? False when that cannot be found out. */
bool bundle_private_pids(const char *bundle);
/* Are there programs to be run when the container has been started? True when that cannot be found out. */
bool bundle_poststart(const char *bundle);
/* The path of the container's root, absolute; NULL when that cannot be found out. */
char *bundle_root(const char *bundle);
/* The same on text. */
bool config_poststart(struct bytes config);
char *config_group(struct bytes config, bool *bad);
bool config_private_pids(struct bytes config);
char *config_root(struct bytes config); /* as it is written; NULL when it is not there */

#endif
