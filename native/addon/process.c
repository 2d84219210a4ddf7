#include "addon.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Orphaned descendants become our children instead of init's. */
static napi_value set_subreaper(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int on = arg_int(&args, 0);
  if (args.bad) return NULL;
  return prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0) != 0 ? fail(env, errno, "prctl", NULL) : js_undefined(env);
}

static napi_value pidfd_open_(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int pid = arg_int(&args, 0);
  if (args.bad) return NULL;
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? fail(env, errno, "pidfd_open", NULL) : js_number(env, fd);
}

static napi_value pidfd_signal(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0), number = arg_int(&args, 1);
  if (args.bad) return NULL;
  if (syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) != 0) return fail(env, errno, "pidfd_send_signal", NULL);
  return js_undefined(env);
}

/* Never waits: [pid, status] of a child that ended, [0, 0] when none has yet. */
static napi_value wait_pid(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int pid = arg_int(&args, 0);
  if (args.bad) return NULL;
  int status = 0;
  pid_t ended = waitpid(pid, &status, WNOHANG);
  if (ended < 0) return fail(env, errno, "waitpid", NULL);
  double *out;
  napi_value array = js_doubles(env, 2, &out);
  out[0] = ended;
  out[1] = status;
  return array;
}

void export_process(napi_env env, napi_value exports) {
  export_function(env, exports, "setSubreaper", set_subreaper);
  export_function(env, exports, "pidfdOpen", pidfd_open_);
  export_function(env, exports, "pidfdSignal", pidfd_signal);
  export_function(env, exports, "waitPid", wait_pid);
}
