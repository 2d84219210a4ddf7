#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* Kernels before 6.3 do not know the flag, and make every such file executable. */
static int executable_memory(void) {
  int fd = memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  return fd < 0 && errno == EINVAL ? memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

static int copy_all(int from, int to, off_t size) {
  for (off_t at = 0; at < size;) {
    ssize_t sent = sendfile(to, from, &at, (size_t)(size - at));
    if (sent == 0) errno = ESTALE; /* it became shorter meanwhile */
    if (sent <= 0) return -1;
  }
  return 0;
}

/* A descriptor of a copy of the file in memory that nobody can change any more; open for reading only, or it could not be started. */
static napi_value sealed_copy(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int from = arg_int(&args, 0);
  if (args.bad) return NULL;
  struct stat st;
  FD(to) = executable_memory();
  if (to < 0) return fail(env, errno, "memfd_create", NULL);
  if (fstat(from, &st) != 0 || copy_all(from, to, st.st_size) != 0) return fail(env, errno, "sendfile", NULL);
  if (fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return fail(env, errno, "fcntl", NULL);
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? fail(env, errno, "open", path) : js_number(env, fd);
}

void export_sealed(napi_env env, napi_value exports) { export_function(env, exports, "sealedCopy", sealed_copy); }
