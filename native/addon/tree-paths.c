#include "at.h"
#include "tree.h"
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFINED (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
#define LINKS_MAX 40

static uint32_t hash_of(const char *path, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)path[i]) * 16777619u;
  return hash;
}

static struct parent *find_parent(struct tree *tree, const char *path, size_t length, uint32_t hash) {
  for (int i = 0; i < TREE_PARENTS; i++) {
    struct parent *parent = &tree->parents[i];
    if (parent->path != NULL && parent->hash == hash && parent->length == length &&
        memcmp(parent->path, path, length) == 0) {
      return parent;
    }
  }
  return NULL;
}

static void drop_parent(struct parent *parent) {
  if (parent->path == NULL) return;
  free(parent->path);
  close(parent->fd);
  *parent = (struct parent){.fd = -1};
}

void tree_forget(struct tree *tree) {
  for (int i = 0; i < TREE_PARENTS; i++) drop_parent(&tree->parents[i]);
}

static struct parent *keep_parent(struct tree *tree, const char *path, size_t length, int fd) {
  struct parent *oldest = &tree->parents[0];
  for (int i = 0; i < TREE_PARENTS && oldest->path != NULL; i++) {
    if (tree->parents[i].path == NULL || tree->parents[i].used < oldest->used) oldest = &tree->parents[i];
  }
  char *copy = strndup(path, length);
  if (copy == NULL) return NULL;
  drop_parent(oldest);
  *oldest = (struct parent){.path = copy, .length = length, .hash = hash_of(path, length), .fd = fd,
                            .used = ++tree->clock};
  return oldest;
}

void tree_keep(struct tree *tree, const char *path, size_t length, int fd) {
  struct parent *known = length == 0 ? NULL : find_parent(tree, path, length, hash_of(path, length));
  if (length == 0 || known != NULL || keep_parent(tree, path, length, fd) == NULL) close(fd);
}

static int open_parent(struct tree *tree, const char *path, size_t length, bool create, int links, int *out);

/* The directory that `path` names, made when missing; a link to nothing is followed and what it names made. */
static int make_parent(struct tree *tree, const char *path, size_t length, int links) {
  if (links > LINKS_MAX) return ELOOP;
  size_t slash = length;
  while (slash > 0 && path[slash - 1] != '/') slash--;
  size_t above = slash;
  while (above > 0 && path[above - 1] == '/') above--;
  char name[256];
  if (length - slash >= sizeof name) return ENAMETOOLONG;
  memcpy(name, path + slash, length - slash);
  name[length - slash] = 0;
  int dirfd, error = open_parent(tree, path, above, true, links, &dirfd);
  if (error != 0) return error;
  if (mkdirat(dirfd, name, 0755) == 0) return chmod_nofollow(dirfd, name, 0755) != 0 ? errno : 0;
  if (errno != EEXIST) return errno;
  char target[4096];
  ssize_t got = readlinkat(dirfd, name, target, sizeof target);
  if (got <= 0 || got == sizeof target) return ENOENT;
  while (got > 1 && target[got - 1] == '/') got--;
  if (target[0] == '/') return open_parent(tree, target, (size_t)got, true, links + 1, &dirfd);
  HEAP char *joined = malloc(above + 1 + (size_t)got + 1);
  if (joined == NULL) return ENOMEM;
  memcpy(joined, path, above);
  joined[above] = '/';
  memcpy(joined + above + 1, target, (size_t)got);
  return open_parent(tree, joined, above + 1 + (size_t)got, true, links + 1, &dirfd);
}

static int open_parent(struct tree *tree, const char *path, size_t length, bool create, int links, int *out) {
  if (length == 0) {
    *out = tree->root;
    return 0;
  }
  if (length >= 4096) return ENAMETOOLONG;
  struct parent *known = find_parent(tree, path, length, hash_of(path, length));
  if (known != NULL) {
    known->used = ++tree->clock;
    *out = known->fd;
    return 0;
  }
  HEAP char *ended = strndup(path, length);
  if (ended == NULL) return ENOMEM;
  int fd = openat2_retry(tree->root, ended, O_RDONLY | O_DIRECTORY, 0, CONFINED);
  if (fd < 0 && errno == ENOENT && create) {
    int error = make_parent(tree, path, length, links);
    if (error != 0) return error;
    fd = openat2_retry(tree->root, ended, O_RDONLY | O_DIRECTORY, 0, CONFINED);
  }
  if (fd < 0) return errno;
  struct parent *kept = keep_parent(tree, path, length, fd);
  if (kept == NULL) {
    close(fd);
    return ENOMEM;
  }
  *out = fd;
  return 0;
}

int tree_spot(struct tree *tree, const struct text *path, bool create, struct spot *out) {
  if (tree->root < 0) return EBADF;
  const char *bytes = path->bytes;
  size_t length = path->length;
  while (length > 0 && bytes[length - 1] == '/') length--;
  size_t slash = length;
  while (slash > 0 && bytes[slash - 1] != '/') slash--;
  size_t name = length - slash;
  if (name > 255) return ENAMETOOLONG;
  memcpy(out->name, bytes + slash, name);
  out->name[name] = 0;
  if (strcmp(out->name, "..") == 0) return EINVAL;
  if (name == 0 || (slash == 0 && strcmp(out->name, ".") == 0)) {
    out->dirfd = tree->root;
    strcpy(out->name, ".");
    return 0;
  }
  if (strcmp(out->name, ".") == 0) return EINVAL;
  while (slash > 0 && bytes[slash - 1] == '/') slash--;
  return open_parent(tree, bytes, slash, create, 0, &out->dirfd);
}

int tree_clear(struct tree *tree, const struct spot *spot) {
  struct stat st;
  if (strcmp(spot->name, ".") == 0) return EBUSY;
  if (fstatat(spot->dirfd, spot->name, &st, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
  int error = remove_tree_at(spot->dirfd, spot->name);
  /* Kept descriptors may lie on a way through what is gone. The spot's own stays valid: its path did not change. */
  if (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode)) {
    int own = spot->dirfd;
    for (int i = 0; i < TREE_PARENTS; i++) {
      if (tree->parents[i].fd != own) drop_parent(&tree->parents[i]);
    }
  }
  return error;
}
