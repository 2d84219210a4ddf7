#pragma once
#include <stdint.h>
#include <sys/stat.h>

/* openat2() that repeats itself when a rename elsewhere disturbed the walk. Always close-on-exec. */
int openat2_retry(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
/* Sets the mode of what the path names, never of what a link points at. An empty path means the descriptor. */
int chmod_nofollow(int dirfd, const char *path, mode_t mode);

/* mode nlink uid gid size blocks mtime(s, ns) ctime(s, ns) dev(major, minor) ino(high, low) rdev(major, minor) */
#define STAT_DOUBLES 16
void stat_doubles(const struct stat *st, double *out);
