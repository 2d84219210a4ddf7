#include "addon.h"
#include "at.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/* The *at() calls on directory descriptors; an empty path with AT_EMPTY_PATH means the descriptor itself. */

int openat2_retry(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
  /* RESOLVE_IN_ROOT answers EAGAIN when something was renamed below it during a walk over "..". */
  for (int attempt = 0; attempt < 64; attempt++) {
    int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return fd;
  }
  return -1;
}

void stat_doubles(const struct stat *st, double *out) {
  out[0] = st->st_mode;
  out[1] = (double)st->st_nlink;
  out[2] = st->st_uid;
  out[3] = st->st_gid;
  out[4] = (double)st->st_size;
  out[5] = (double)st->st_blocks;
  out[6] = (double)st->st_mtim.tv_sec;
  out[7] = (double)st->st_mtim.tv_nsec;
  out[8] = (double)st->st_ctim.tv_sec;
  out[9] = (double)st->st_ctim.tv_nsec;
  out[10] = major(st->st_dev);
  out[11] = minor(st->st_dev);
  out[12] = (double)(st->st_ino >> 32);
  out[13] = (double)(st->st_ino & 0xffffffffu);
  out[14] = major(st->st_rdev);
  out[15] = minor(st->st_rdev);
}

static napi_value open_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  uint32_t flags = arg_uint(&args, 2), mode = arg_uint(&args, 3), resolve = arg_uint(&args, 4);
  if (args.bad) return NULL;
  int fd = openat2_retry(dirfd, path.bytes, flags, mode, resolve);
  return fd < 0 ? fail(env, errno, "openat2", path.bytes) : js_number(env, fd);
}

static napi_value mkdir_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  uint32_t mode = arg_uint(&args, 2);
  if (args.bad) return NULL;
  return mkdirat(dirfd, path.bytes, mode) != 0 ? fail(env, errno, "mkdirat", path.bytes) : js_undefined(env);
}

static napi_value mknod_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  uint32_t mode = arg_uint(&args, 2), high = arg_uint(&args, 3), low = arg_uint(&args, 4);
  if (args.bad) return NULL;
  if (mknodat(dirfd, path.bytes, mode, makedev(high, low)) != 0) return fail(env, errno, "mknodat", path.bytes);
  return js_undefined(env);
}

static napi_value symlink_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(target);
  TEXT(path);
  arg_text(&args, 0, &target);
  int dirfd = arg_int(&args, 1);
  arg_text(&args, 2, &path);
  if (args.bad) return NULL;
  return symlinkat(target.bytes, dirfd, path.bytes) != 0 ? fail(env, errno, "symlinkat", path.bytes)
                                                        : js_undefined(env);
}

static napi_value link_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(from);
  TEXT(to);
  int from_fd = arg_int(&args, 0);
  arg_text(&args, 1, &from);
  int to_fd = arg_int(&args, 2);
  arg_text(&args, 3, &to);
  int flags = arg_int(&args, 4);
  if (args.bad) return NULL;
  return linkat(from_fd, from.bytes, to_fd, to.bytes, flags) != 0 ? fail(env, errno, "linkat", to.bytes)
                                                                 : js_undefined(env);
}

static napi_value unlink_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  int flags = arg_int(&args, 2);
  if (args.bad) return NULL;
  return unlinkat(dirfd, path.bytes, flags) != 0 ? fail(env, errno, "unlinkat", path.bytes) : js_undefined(env);
}

static napi_value rename_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(from);
  TEXT(to);
  int from_fd = arg_int(&args, 0);
  arg_text(&args, 1, &from);
  int to_fd = arg_int(&args, 2);
  arg_text(&args, 3, &to);
  uint32_t flags = arg_uint(&args, 4);
  if (args.bad) return NULL;
  if (renameat2(from_fd, from.bytes, to_fd, to.bytes, flags) != 0) return fail(env, errno, "renameat2", from.bytes);
  return js_undefined(env);
}

static napi_value chown_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  uint32_t uid = arg_uint(&args, 2), gid = arg_uint(&args, 3);
  if (args.bad) return NULL;
  if (fchownat(dirfd, path.bytes, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0) {
    return fail(env, errno, "fchownat", path.bytes);
  }
  return js_undefined(env);
}

/* fchmodat() cannot refuse to follow a link before Linux 6.6; going through the descriptor works everywhere. */
int chmod_nofollow(int dirfd, const char *path, mode_t mode) {
  char proc[32];
  FD(fd) = -1;
  if (path[0] != 0) {
    fd = openat(dirfd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return -1;
    dirfd = fd;
  }
  snprintf(proc, sizeof proc, "/proc/self/fd/%d", dirfd);
  return chmod(proc, mode);
}

static napi_value chmod_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  uint32_t mode = arg_uint(&args, 2);
  if (args.bad) return NULL;
  return chmod_nofollow(dirfd, path.bytes, mode) != 0 ? fail(env, errno, "fchmodat", path.bytes) : js_undefined(env);
}

static napi_value utimes_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  struct timespec times[2] = {arg_time(&args, 2), arg_time(&args, 4)};
  if (args.bad) return NULL;
  if (utimensat(dirfd, path.bytes, times, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0) {
    return fail(env, errno, "utimensat", path.bytes);
  }
  return js_undefined(env);
}

static napi_value readlink_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  if (args.bad) return NULL;
  char target[4097];
  ssize_t length = readlinkat(dirfd, path.bytes, target, sizeof target - 1);
  return length < 0 ? fail(env, errno, "readlinkat", path.bytes) : js_name(env, target, (size_t)length);
}

static napi_value stat_at(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  if (args.bad) return NULL;
  struct stat st;
  if (fstatat(dirfd, path.bytes, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0) {
    return fail(env, errno, "fstatat", path.bytes);
  }
  double *out;
  napi_value array = js_doubles(env, STAT_DOUBLES, &out);
  stat_doubles(&st, out);
  return array;
}

void export_at(napi_env env, napi_value exports) {
  export_function(env, exports, "openAt", open_at);
  export_function(env, exports, "mkdirAt", mkdir_at);
  export_function(env, exports, "mknodAt", mknod_at);
  export_function(env, exports, "symlinkAt", symlink_at);
  export_function(env, exports, "linkAt", link_at);
  export_function(env, exports, "unlinkAt", unlink_at);
  export_function(env, exports, "renameAt", rename_at);
  export_function(env, exports, "chownAt", chown_at);
  export_function(env, exports, "chmodAt", chmod_at);
  export_function(env, exports, "utimesAt", utimes_at);
  export_function(env, exports, "readlinkAt", readlink_at);
  export_function(env, exports, "statAt", stat_at);
}
