#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

static napi_value fallocate_(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0), mode = arg_int(&args, 1);
  int64_t offset = arg_int64(&args, 2), length = arg_int64(&args, 3);
  if (args.bad) return NULL;
  return fallocate(fd, mode, offset, length) != 0 ? fail(env, errno, "fallocate", NULL) : js_undefined(env);
}

/* The offset where data (or a hole) begins, at or after the one given; -1 when there is none up to the end. */
static napi_value seek(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  int64_t offset = arg_int64(&args, 1);
  int whence = arg_int(&args, 2);
  if (args.bad) return NULL;
  off_t at = lseek(fd, offset, whence);
  if (at < 0 && errno != ENXIO) return fail(env, errno, "lseek", NULL);
  return js_number(env, (double)at);
}

/* Makes the target share the source's blocks; EOPNOTSUPP, EXDEV or EINVAL where that cannot be. */
static napi_value clone_file(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int target = arg_int(&args, 0), source = arg_int(&args, 1);
  if (args.bad) return NULL;
  return ioctl(target, FICLONE, source) != 0 ? fail(env, errno, "ioctl(FICLONE)", NULL) : js_undefined(env);
}

/* Bytes copied inside the kernel, at both descriptors' own offsets; 0 at the end. */
static napi_value copy_range(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int source = arg_int(&args, 0), target = arg_int(&args, 1);
  int64_t length = arg_int64(&args, 2);
  if (args.bad) return NULL;
  ssize_t done = copy_file_range(source, NULL, target, NULL, (size_t)length, 0);
  return done < 0 ? fail(env, errno, "copy_file_range", NULL) : js_number(env, (double)done);
}

struct sync_job {
  struct job job;
  int fd;
};

static void run_syncfs(struct job *job) {
  struct sync_job *sync = (struct sync_job *)job;
  job->syscall = "syncfs";
  job->error = syncfs(sync->fd) != 0 ? errno : 0;
}

static void run_fsync(struct job *job) {
  struct sync_job *sync = (struct sync_job *)job;
  job->syscall = "fdatasync";
  job->error = fdatasync(sync->fd) != 0 ? errno : 0;
}

static void release_sync(struct job *job) {
  close(((struct sync_job *)job)->fd);
}

static napi_value start_sync(napi_env env, napi_callback_info info, void (*run)(struct job *)) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  if (args.bad) return NULL;
  struct sync_job *job = calloc(1, sizeof *job);
  if (job == NULL) return fail(env, ENOMEM, "sync", NULL);
  /* A descriptor of our own: the caller may close his before the thread is done. */
  job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (job->fd < 0) {
    int error = errno;
    free(job);
    return fail(env, error, "fcntl", NULL);
  }
  job->job.run = run;
  job->job.release = release_sync;
  return job_start(env, &job->job);
}

static napi_value syncfs_(napi_env env, napi_callback_info info) {
  return start_sync(env, info, run_syncfs);
}

static napi_value fsync_(napi_env env, napi_callback_info info) {
  return start_sync(env, info, run_fsync);
}

/* Never waits: true when the lock is ours, false when another holds it. */
static napi_value flock_(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0), operation = arg_int(&args, 1);
  if (args.bad) return NULL;
  if (flock(fd, operation | LOCK_NB) == 0) return js_bool(env, true);
  return errno == EWOULDBLOCK ? js_bool(env, false) : fail(env, errno, "flock", NULL);
}

/* type bsize blocks bfree bavail files ffree namelen flags */
static napi_value statfs_(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  arg_text(&args, 0, &path);
  if (args.bad) return NULL;
  struct statfs fs;
  if (statfs(path.bytes, &fs) != 0) return fail(env, errno, "statfs", path.bytes);
  double *out;
  napi_value array = js_doubles(env, 9, &out);
  const double values[9] = {(double)(uint32_t)fs.f_type, (double)fs.f_bsize,  (double)fs.f_blocks,
                            (double)fs.f_bfree,          (double)fs.f_bavail, (double)fs.f_files,
                            (double)fs.f_ffree,          (double)fs.f_namelen, (double)fs.f_flags};
  memcpy(out, values, sizeof values);
  return array;
}

static napi_value mkfifo_(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  arg_text(&args, 0, &path);
  uint32_t mode = arg_uint(&args, 1);
  if (args.bad) return NULL;
  return mkfifo(path.bytes, mode) != 0 ? fail(env, errno, "mkfifo", path.bytes) : js_undefined(env);
}

/* Bytes that can be read now without waiting (FIONREAD): of a fifo, pipe, socket or terminal. */
static napi_value readable_bytes(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  if (args.bad) return NULL;
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) != 0 ? fail(env, errno, "ioctl(FIONREAD)", NULL) : js_number(env, bytes);
}

void export_file(napi_env env, napi_value exports) {
  export_function(env, exports, "fallocate", fallocate_);
  export_function(env, exports, "seek", seek);
  export_function(env, exports, "cloneFile", clone_file);
  export_function(env, exports, "copyRange", copy_range);
  export_function(env, exports, "syncfs", syncfs_);
  export_function(env, exports, "fsync", fsync_);
  export_function(env, exports, "flock", flock_);
  export_function(env, exports, "statfs", statfs_);
  export_function(env, exports, "mkfifo", mkfifo_);
  export_function(env, exports, "readableBytes", readable_bytes);
}
