#include "addon.h"
#include "at.h"
#include "inodes.h"
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

/*
 * A directory tree copied whole: owners, modes, times, extended attributes, hard links, devices, holes. File data is
 * shared with the source where the filesystem can (FICLONE).
 */
struct copy_job {
  struct job job;
  char *target;
  int fd;     /* the target directory that matches the walk's current one */
  int top;    /* the target's root, where the first names of hard links are looked up */
  char *path; /* of `fd` below `top`: "" or "a/b/" */
  size_t length, room;
  bool cannot_clone;
  struct inodes linked; /* value: path of the first copy below `top` */
};

static int path_push(struct copy_job *copy, const char *name) {
  size_t more = strlen(name) + 1;
  if (copy->length + more + 1 > copy->room) {
    size_t room = (copy->length + more + 1) * 2;
    char *path = realloc(copy->path, room);
    if (path == NULL) return ENOMEM;
    copy->path = path;
    copy->room = room;
  }
  memcpy(copy->path + copy->length, name, more - 1);
  copy->length += more;
  copy->path[copy->length - 1] = '/';
  copy->path[copy->length] = 0;
  return 0;
}

static void path_pop(struct copy_job *copy) {
  copy->length--;
  while (copy->length > 0 && copy->path[copy->length - 1] != '/') copy->length--;
  copy->path[copy->length] = 0;
}

static int copy_xattrs(int from, int to, const char *name) {
  char source[300], target[300];
  snprintf(source, sizeof source, "/proc/self/fd/%d/%s", from, name);
  snprintf(target, sizeof target, "/proc/self/fd/%d/%s", to, name);
  ssize_t length = llistxattr(source, NULL, 0);
  if (length == 0 || (length < 0 && errno == EOPNOTSUPP)) return 0;
  HEAP char *names = malloc(2 * 65536);
  if (names == NULL) return ENOMEM;
  char *value = names + 65536;
  length = llistxattr(source, names, 65536);
  if (length < 0) return errno;
  for (char *at = names; at < names + length; at += strlen(at) + 1) {
    ssize_t size = lgetxattr(source, at, value, 65536);
    if (size < 0 && errno == ENODATA) continue;
    if (size < 0 || lsetxattr(target, at, value, (size_t)size, 0) != 0) return errno;
  }
  return 0;
}

/* Owner, attributes (a capability is lost with a change of owner), mode, times (changed by all that comes before). */
static int dress(int from, int to, const char *name, const struct stat *st) {
  if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  int error = copy_xattrs(from, to, name);
  if (error != 0) return error;
  if (!S_ISLNK(st->st_mode) && chmod_nofollow(to, name, st->st_mode & 07777) != 0) return errno;
  const struct timespec times[2] = {st->st_atim, st->st_mtim};
  return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) != 0 ? errno : 0;
}

static int copy_by_hand(int source, int target, off_t at, off_t end) {
  char buffer[65536];
  while (at < end) {
    size_t wanted = end - at < (off_t)sizeof buffer ? (size_t)(end - at) : sizeof buffer;
    ssize_t got = pread(source, buffer, wanted, at);
    if (got < 0) return errno;
    if (got == 0) return 0;
    for (ssize_t done = 0; done < got;) {
      ssize_t put = pwrite(target, buffer + done, (size_t)(got - done), at + done);
      if (put < 0) return errno;
      done += put;
    }
    at += got;
  }
  return 0;
}

static int copy_extent(int source, int target, off_t at, off_t end) {
  while (at < end) {
    off_t from = at, to = at;
    ssize_t done = copy_file_range(source, &from, target, &to, (size_t)(end - at), 0);
    if (done == 0) return 0;
    if (done < 0) {
      bool refused = errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS;
      return refused ? copy_by_hand(source, target, at, end) : errno;
    }
    at += done;
  }
  return 0;
}

static int copy_data(struct copy_job *copy, int source, int target, off_t size) {
  if (size == 0) return 0;
  if (!copy->cannot_clone) {
    if (ioctl(target, FICLONE, source) == 0) return 0;
    if (errno != EOPNOTSUPP && errno != EXDEV && errno != EINVAL && errno != ENOTTY && errno != ENOSYS) return errno;
    copy->cannot_clone = true;
  }
  if (ftruncate(target, size) != 0) return errno;
  for (off_t at = 0; at < size;) {
    off_t data = lseek(source, at, SEEK_DATA);
    if (data < 0) return errno == ENXIO ? 0 : errno;
    off_t hole = lseek(source, data, SEEK_HOLE);
    if (hole < 0) return errno;
    int error = copy_extent(source, target, data, hole);
    if (error != 0) return error;
    at = hole;
  }
  return 0;
}

static int copy_regular(struct copy_job *copy, int dirfd, const char *name, const struct stat *st) {
  FD(source) = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (source < 0) return errno;
  FD(target) = openat(copy->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (target < 0) return errno;
  return copy_data(copy, source, target, st->st_size);
}

static int copy_symlink(struct copy_job *copy, int dirfd, const char *name) {
  char target[4097];
  ssize_t length = readlinkat(dirfd, name, target, sizeof target - 1);
  if (length < 0) return errno;
  target[length] = 0;
  return symlinkat(target, copy->fd, name) != 0 ? errno : 0;
}

/* True in `*done` when the file was copied before under another name, and only linked now. */
static int link_again(struct copy_job *copy, const char *name, const struct stat *st, bool *done) {
  if (st->st_nlink < 2) return 0;
  int fresh = 0;
  struct inode *inode = inodes_at(&copy->linked, st->st_dev, st->st_ino, &fresh);
  if (inode == NULL) return ENOMEM;
  if (!fresh) {
    *done = true;
    return linkat(copy->top, inode->value, copy->fd, name, 0) != 0 ? errno : 0;
  }
  char *path = malloc(copy->length + strlen(name) + 1);
  if (path == NULL) return ENOMEM;
  memcpy(path, copy->path, copy->length);
  strcpy(path + copy->length, name);
  inode->value = path;
  return 0;
}

static int copy_entry(void *context, int dirfd, const char *name, const struct stat *st) {
  struct copy_job *copy = context;
  bool done = false;
  int error = link_again(copy, name, st, &done);
  if (error != 0 || done) return error;
  if (S_ISREG(st->st_mode)) {
    error = copy_regular(copy, dirfd, name, st);
  } else if (S_ISLNK(st->st_mode)) {
    error = copy_symlink(copy, dirfd, name);
  } else {
    error = mknodat(copy->fd, name, st->st_mode, st->st_rdev) != 0 ? errno : 0;
  }
  return error != 0 ? error : dress(dirfd, copy->fd, name, st);
}

static int copy_enter(void *context, int dirfd, const char *name, const struct stat *st) {
  (void)dirfd;
  (void)st;
  struct copy_job *copy = context;
  if (mkdirat(copy->fd, name, 0700) != 0) return errno;
  int fd = openat(copy->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno;
  close(copy->fd);
  copy->fd = fd;
  return path_push(copy, name);
}

static int copy_leave(void *context, int dirfd, const char *name, const struct stat *st) {
  struct copy_job *copy = context;
  int fd = openat(copy->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  close(copy->fd);
  copy->fd = fd;
  path_pop(copy);
  return dress(dirfd, fd, name, st);
}

static void run_copy(struct job *job) {
  struct copy_job *copy = (struct copy_job *)job;
  struct stat st;
  job->syscall = "open";
  FD(source) = open(job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (source < 0 || fstat(source, &st) != 0) {
    job->error = errno;
    return;
  }
  copy->top = open(copy->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  copy->fd = copy->top < 0 ? -1 : openat(copy->top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy->fd < 0) {
    job->error = errno;
    return;
  }
  job->syscall = "copy";
  const struct walk copying = {.context = copy, .want_stat = true, .entry = copy_entry, .enter = copy_enter,
                               .leave = copy_leave};
  job->error = walk(source, &copying);
  if (job->error == 0) job->error = dress(source, copy->fd, ".", &st);
}

static void release_copy(struct job *job) {
  struct copy_job *copy = (struct copy_job *)job;
  close_fd(&copy->fd);
  close_fd(&copy->top);
  inodes_free(&copy->linked, free);
  free(copy->path);
  free(copy->target);
}

/* A promise. Both directories must exist; the target should be empty, and gets the source's own attributes too. */
static napi_value copy_tree(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(source);
  TEXT(target);
  arg_text(&args, 0, &source);
  arg_text(&args, 1, &target);
  if (args.bad) return NULL;
  struct copy_job *copy = calloc(1, sizeof *copy);
  if (copy == NULL) return fail(env, ENOMEM, "copy", NULL);
  copy->fd = copy->top = -1;
  copy->job.path = strdup(source.bytes);
  copy->target = strdup(target.bytes);
  copy->path = calloc(1, 64);
  copy->room = 64;
  copy->job.run = run_copy;
  copy->job.release = release_copy;
  if (copy->job.path == NULL || copy->target == NULL || copy->path == NULL) {
    release_copy(&copy->job);
    free(copy->job.path);
    free(copy);
    return fail(env, ENOMEM, "copy", NULL);
  }
  return job_start(env, &copy->job);
}

void export_copy(napi_env env, napi_value exports) {
  export_function(env, exports, "copyTree", copy_tree);
}
