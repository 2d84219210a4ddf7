/* A container's use of resources as the message that clients know. */
#ifndef STATS_H
#define STATS_H

#include "cgroup.h"

/* io.containerd.cgroups.v1.Metrics and v2.Metrics. What cannot be read is left out. */
void stats_v1(const struct cgroup *cg, struct buf *out);
void stats_v2(const struct cgroup *cg, struct buf *out);
/* The same from given directories; `dir_of` returns an allocated path or NULL. */
void stats_v2_dir(const char *dir, struct buf *out);

/* Shared by both: number files, and lines of "key value". */
uint64_t stats_number(const char *dir, const char *file); /* "max" is UINT64_MAX, missing 0 */
char *stats_text(const char *dir, const char *file);      /* NULL when missing */
uint64_t stats_key(const char *text, const char *key);    /* 0 when missing */

#endif
