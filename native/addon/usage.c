#include "addon.h"
#include "inodes.h"
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct usage_job {
  struct job job;
  char *base; /* of a tree that this one was a snapshot of, or NULL */
  int base_fd;
  char *path; /* of the current directory below the root: "" or "a/b/" */
  size_t length, room;
  double bytes, inodes;
  struct inodes linked; /* only what has more names than one need be remembered */
};

static int path_add(struct usage_job *usage, const char *name, char end) {
  size_t length = strlen(name);
  if (usage->length + length + 2 > usage->room) {
    size_t room = (usage->length + length + 2) * 2;
    char *path = realloc(usage->path, room);
    if (path == NULL) return ENOMEM;
    usage->path = path;
    usage->room = room;
  }
  memcpy(usage->path + usage->length, name, length);
  usage->path[usage->length + length] = end;
  usage->path[usage->length + length + 1] = 0;
  return 0;
}

/* A snapshot keeps inode numbers and change times; what was touched since has another change time. */
static int same_as_base(struct usage_job *usage, const char *name, const struct stat *st, bool *same) {
  struct stat old;
  *same = false;
  if (usage->base_fd < 0) return 0;
  int error = path_add(usage, name, 0);
  if (error != 0) return error;
  /* A path too long for the kernel is counted as changed: too much rather than too little. */
  if (fstatat(usage->base_fd, usage->path, &old, AT_SYMLINK_NOFOLLOW) == 0) {
    *same = old.st_ino == st->st_ino && old.st_size == st->st_size && old.st_ctim.tv_sec == st->st_ctim.tv_sec &&
            old.st_ctim.tv_nsec == st->st_ctim.tv_nsec;
  }
  usage->path[usage->length] = 0;
  return 0;
}

static int count(void *context, int dirfd, const char *name, const struct stat *st) {
  (void)dirfd;
  struct usage_job *usage = context;
  bool same;
  int error = same_as_base(usage, name, st, &same);
  if (error != 0 || same) return error;
  if (st->st_nlink > 1 && !S_ISDIR(st->st_mode)) {
    int fresh = 0;
    if (inodes_at(&usage->linked, st->st_dev, st->st_ino, &fresh) == NULL) return ENOMEM;
    if (!fresh) return 0;
  }
  usage->bytes += (double)st->st_blocks * 512;
  usage->inodes += 1;
  return 0;
}

static int count_enter(void *context, int dirfd, const char *name, const struct stat *st) {
  struct usage_job *usage = context;
  int error = count(usage, dirfd, name, st);
  if (error != 0 || usage->base_fd < 0) return error;
  error = path_add(usage, name, '/');
  if (error == 0) usage->length += strlen(name) + 1;
  return error;
}

static int count_leave(void *context, int dirfd, const char *name, const struct stat *st) {
  (void)dirfd;
  (void)st;
  struct usage_job *usage = context;
  if (usage->base_fd < 0) return 0;
  usage->length -= strlen(name) + 1;
  usage->path[usage->length] = 0;
  return 0;
}

static void run_usage(struct job *job) {
  struct usage_job *usage = (struct usage_job *)job;
  struct stat st;
  job->syscall = "open";
  FD(fd) = open(job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) != 0) {
    job->error = errno;
    return;
  }
  if (usage->base != NULL) {
    usage->base_fd = open(usage->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (usage->base_fd < 0) {
      job->error = errno;
      return;
    }
  }
  job->syscall = "walk";
  const struct walk counting = {.context = usage, .want_stat = true, .entry = count, .enter = count_enter,
                                .leave = count_leave};
  job->error = walk(fd, &counting);
  if (job->error == 0) job->error = count(usage, fd, ".", &st);
}

static napi_value usage_result(napi_env env, struct job *job) {
  struct usage_job *usage = (struct usage_job *)job;
  double *out;
  napi_value array = js_doubles(env, 2, &out);
  out[0] = usage->bytes;
  out[1] = usage->inodes;
  return array;
}

static void release_usage(struct job *job) {
  struct usage_job *usage = (struct usage_job *)job;
  inodes_free(&usage->linked, NULL);
  close_fd(&usage->base_fd);
  free(usage->base);
  free(usage->path);
}

/* A promise of [bytes of blocks, inodes] of a directory and all below it, each inode once; what `base` has too is not counted. */
static napi_value disk_usage(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  TEXT(base);
  arg_text(&args, 0, &path);
  arg_text_or_null(&args, 1, &base);
  if (args.bad) return NULL;
  struct usage_job *job = calloc(1, sizeof *job);
  if (job == NULL || (job->job.path = strdup(path.bytes)) == NULL ||
      (base.bytes != NULL && (job->base = strdup(base.bytes)) == NULL)) {
    if (job != NULL) free(job->job.path);
    free(job);
    return fail(env, ENOMEM, "walk", NULL);
  }
  job->base_fd = -1;
  job->job.run = run_usage;
  job->job.result = usage_result;
  job->job.release = release_usage;
  return job_start(env, &job->job);
}

void export_usage(napi_env env, napi_value exports) {
  export_function(env, exports, "diskUsage", disk_usage);
}
