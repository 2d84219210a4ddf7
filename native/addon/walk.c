#define _GNU_SOURCE
#include "walk.h"
#include "at.h"
#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <unistd.h>

struct frame {
  struct names names;
  const struct name *at; /* the entry being worked on */
  bool started;
  struct stat st; /* of this directory */
};

struct stack {
  struct frame *frames;
  size_t depth, room;
  int fd; /* the directory of the uppermost frame */
};

static int push(struct stack *stack, int fd) {
  if (stack->depth == stack->room) {
    size_t room = stack->room == 0 ? 16 : stack->room * 2;
    struct frame *frames = realloc(stack->frames, room * sizeof *frames);
    if (frames == NULL) {
      close(fd);
      return ENOMEM;
    }
    stack->frames = frames;
    stack->room = room;
  }
  struct frame *frame = &stack->frames[stack->depth];
  *frame = (struct frame){0};
  if (fstat(fd, &frame->st) != 0 || names_read(fd, &frame->names) != 0) {
    int error = errno;
    names_free(&frame->names);
    close(fd);
    return error;
  }
  if (stack->fd >= 0) close(stack->fd);
  stack->fd = fd;
  stack->depth++;
  return 0;
}

static int go_into(struct stack *stack, const struct walk *walk, const char *name) {
  uint64_t resolve = RESOLVE_NO_SYMLINKS | (walk->stay ? RESOLVE_NO_XDEV : 0);
  int fd = openat2_retry(stack->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, resolve);
  if (fd < 0) return errno == EXDEV ? EBUSY : errno;
  return push(stack, fd);
}

static int go_back(struct stack *stack) {
  const struct stat *wanted = &stack->frames[stack->depth - 1].st;
  struct stat st;
  int fd = openat(stack->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  close(stack->fd);
  stack->fd = fd;
  if (fstat(fd, &st) != 0) return errno;
  return st.st_dev == wanted->st_dev && st.st_ino == wanted->st_ino ? 0 : ESTALE;
}

static int visit(struct stack *stack, const struct walk *walk, const struct name *name) {
  struct stat st = {0};
  bool directory = name->type == DT_DIR;
  if (walk->want_stat || name->type == DT_UNKNOWN) {
    if (fstatat(stack->fd, name->text, &st, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
    directory = S_ISDIR(st.st_mode);
  }
  if (!directory) return walk->entry(walk->context, stack->fd, name->text, &st);
  int error = walk->enter == NULL ? 0 : walk->enter(walk->context, stack->fd, name->text, &st);
  return error != 0 ? error : go_into(stack, walk, name->text);
}

static int finish(struct stack *stack, const struct walk *walk) {
  struct frame done = stack->frames[--stack->depth];
  names_free(&done.names);
  if (stack->depth == 0) return 0;
  int error = go_back(stack);
  if (error != 0 || walk->leave == NULL) return error;
  return walk->leave(walk->context, stack->fd, stack->frames[stack->depth - 1].at->text, &done.st);
}

int walk(int dirfd, const struct walk *walk) {
  struct stack stack = {.fd = -1};
  int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = push(&stack, fd);
  while (error == 0 && stack.depth > 0) {
    struct frame *frame = &stack.frames[stack.depth - 1];
    frame->at = frame->started ? names_next(&frame->names, frame->at) : names_first(&frame->names);
    frame->started = true;
    error = frame->at == NULL ? finish(&stack, walk) : visit(&stack, walk, frame->at);
  }
  while (stack.depth > 0) names_free(&stack.frames[--stack.depth].names);
  if (stack.fd >= 0) close(stack.fd);
  free(stack.frames);
  return error;
}

static int remove_entry(void *context, int dirfd, const char *name, const struct stat *st) {
  (void)context;
  (void)st;
  return unlinkat(dirfd, name, 0) != 0 && errno != ENOENT ? errno : 0;
}

static int remove_directory(void *context, int dirfd, const char *name, const struct stat *st) {
  (void)context;
  (void)st;
  return unlinkat(dirfd, name, AT_REMOVEDIR) != 0 && errno != ENOENT ? errno : 0;
}

int remove_tree_at(int dirfd, const char *name) {
  if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
  if (errno != ENOTEMPTY && errno != EEXIST) return errno;
  int fd = openat2_retry(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_XDEV);
  if (fd < 0) return errno == EXDEV ? EBUSY : errno;
  const struct walk removal = {.stay = true, .entry = remove_entry, .leave = remove_directory};
  int error = walk(fd, &removal);
  close(fd);
  return error != 0 ? error : remove_directory(NULL, dirfd, name, NULL);
}
