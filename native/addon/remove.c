#include "addon.h"
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* The parent is opened first, so that no mount on the way to it counts as one inside the tree. */
static void run_remove(struct job *job) {
  job->syscall = "unlinkat";
  size_t length = strlen(job->path);
  while (length > 1 && job->path[length - 1] == '/') job->path[--length] = 0;
  char *slash = strrchr(job->path, '/');
  if (slash == NULL || slash[1] == 0) {
    job->error = slash == NULL ? remove_tree_at(AT_FDCWD, job->path) : EBUSY;
    return;
  }
  *slash = 0;
  FD(parent) = open(slash == job->path ? "/" : job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = errno;
  *slash = '/';
  if (parent < 0) {
    job->error = error == ENOENT ? 0 : error;
    return;
  }
  job->error = remove_tree_at(parent, slash + 1);
}

/* A promise; the tree is gone when it resolves, also when there was none. Stops with EBUSY at a mount inside. */
static napi_value remove_tree(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  arg_text(&args, 0, &path);
  if (args.bad) return NULL;
  struct job *job = calloc(1, sizeof *job);
  if (job == NULL || (job->path = strdup(path.bytes)) == NULL) {
    free(job);
    return fail(env, ENOMEM, "unlinkat", NULL);
  }
  job->run = run_remove;
  return job_start(env, job);
}

void export_remove(napi_env env, napi_value exports) {
  export_function(env, exports, "removeTree", remove_tree);
}
