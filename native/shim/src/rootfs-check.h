/* What a container's root must not be. */
#ifndef ROOTFS_CHECK_H
#define ROOTFS_CHECK_H

#include "base.h"

/* FAILED_PRECONDITION when /dev of the root that the bundle's config.json names is a symbolic link. Runtimes
   make devices and links below it by path before the root is the container's own: runc before 1.3.6, 1.4.3 and
   1.5.0 made them wherever the link leads on the host (CVE-2026-41579). */
int rootfs_check(const char *bundle, struct err *e);

#endif
