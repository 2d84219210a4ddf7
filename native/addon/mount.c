#include "addon.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

struct mount_call {
  int cwd; /* a directory to be in for relative paths, or -1 */
  const char *source, *target, *type, *data;
  unsigned long flags;
  int error;
  const char *syscall;
};

static void do_mount(struct mount_call *call) {
  call->syscall = "mount";
  call->error = mount(call->source, call->target, call->type, call->flags, call->data) != 0 ? errno : 0;
}

/*
 * Mount options are limited to one page. Relative paths make 128 lower directories fit, but the working directory
 * belongs to the whole process; a thread that no longer shares it (CLONE_FS) may change its own.
 */
static void *mount_thread(void *data) {
  struct mount_call *call = data;
  call->syscall = "unshare";
  if (unshare(CLONE_FS) != 0) {
    call->error = errno;
    return NULL;
  }
  call->syscall = "fchdir";
  if (fchdir(call->cwd) != 0) {
    call->error = errno;
    return NULL;
  }
  do_mount(call);
  return NULL;
}

static napi_value mount_(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(source);
  TEXT(target);
  TEXT(type);
  TEXT(data);
  arg_text_or_null(&args, 0, &source);
  arg_text(&args, 1, &target);
  arg_text_or_null(&args, 2, &type);
  uint32_t flags = arg_uint(&args, 3);
  arg_text_or_null(&args, 4, &data);
  int cwd = arg_is_nullish(&args, 5) ? -1 : arg_int(&args, 5);
  if (args.bad) return NULL;
  struct mount_call call = {.cwd = cwd, .source = source.bytes, .target = target.bytes, .type = type.bytes,
                            .data = data.bytes, .flags = flags};
  if (cwd < 0) {
    do_mount(&call);
  } else {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, mount_thread, &call);
    if (error != 0) return fail(env, error, "pthread_create", NULL);
    pthread_join(thread, NULL);
  }
  return call.error != 0 ? fail(env, call.error, call.syscall, target.bytes) : js_undefined(env);
}

struct umount_job {
  struct job job;
  int flags;
};

static void run_umount(struct job *job) {
  job->syscall = "umount2";
  job->error = umount2(job->path, ((struct umount_job *)job)->flags) != 0 ? errno : 0;
}

/* A promise: an unmount may first have to write a filesystem back. */
static napi_value umount_(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(target);
  arg_text(&args, 0, &target);
  int flags = arg_int(&args, 1);
  if (args.bad) return NULL;
  struct umount_job *job = calloc(1, sizeof *job);
  if (job == NULL || (job->job.path = strdup(target.bytes)) == NULL) {
    free(job);
    return fail(env, ENOMEM, "umount2", NULL);
  }
  job->job.run = run_umount;
  job->flags = flags;
  return job_start(env, &job->job);
}

static napi_value umount_sync(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(target);
  arg_text(&args, 0, &target);
  int flags = arg_int(&args, 1);
  if (args.bad) return NULL;
  return umount2(target.bytes, flags) != 0 ? fail(env, errno, "umount2", target.bytes) : js_undefined(env);
}

void export_mount(napi_env env, napi_value exports) {
  export_function(env, exports, "mount", mount_);
  export_function(env, exports, "umount", umount_);
  export_function(env, exports, "umountSync", umount_sync);
}
