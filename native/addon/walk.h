#pragma once
#include <stdbool.h>
#include <sys/stat.h>

/*
 * A walk over a directory tree of any depth with one descriptor open at a time: it returns to a parent through ".." and
 * checks that it is the one it came from (ESTALE otherwise). Never follows a link. Callbacks return 0 or an errno.
 */
struct walk {
  void *context;
  bool want_stat; /* fill `st` for every entry; else only where the type is not known otherwise, and for directories */
  bool stay;      /* refuse to go into a mount: EBUSY */
  int (*entry)(void *context, int dirfd, const char *name, const struct stat *st); /* not a directory */
  int (*enter)(void *context, int dirfd, const char *name, const struct stat *st); /* before going into it */
  int (*leave)(void *context, int dirfd, const char *name, const struct stat *st); /* back from it */
};

/* Walks below the directory `dirfd` (readable, not O_PATH; stays the caller's). 0 or an errno. */
int walk(int dirfd, const struct walk *walk);

/* Removes what (dirfd, name) is, with all below it. 0 also when there is nothing; else an errno. */
int remove_tree_at(int dirfd, const char *name);
