#pragma once
#include "addon.h"

/*
 * A tree that is written by paths from outside (tar entries). Every path is resolved as in a chroot at its root: links
 * on the way stay inside, ".." stops at the root, magic links are refused; the last component is never followed.
 * Descriptors of parent directories are kept, so that a file costs one openat() and not a walk. One thread at a time.
 */
#define TREE_PARENTS 48

struct parent {
  char *path; /* NULL: free */
  size_t length;
  uint32_t hash;
  int fd;
  uint64_t used;
};

struct tree {
  int root;
  uint64_t clock;
  struct parent parents[TREE_PARENTS];
};

/* Where an entry goes: a descriptor that belongs to the tree, and the last component. */
struct spot {
  int dirfd;
  char name[256];
};

/* 0 or an errno. A missing parent is made (0755, root's) when `create`. The root itself gives the name ".". */
int tree_spot(struct tree *tree, const struct text *path, bool create, struct spot *out);
/* Removes what is in the way, with all below it. 0 or an errno. */
int tree_clear(struct tree *tree, const struct spot *spot);
/* Keeps an open directory for entries below it; takes over the descriptor. */
void tree_keep(struct tree *tree, const char *path, size_t length, int fd);
/* Closes what is kept: after something on a kept path was replaced. */
void tree_forget(struct tree *tree);
