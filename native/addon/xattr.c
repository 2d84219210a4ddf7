#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

/*
 * Extended attributes of what (dirfd, path) names, never of what a link points at: the *at() forms are newer than the
 * kernels we support, so the way is an O_PATH descriptor and its name in /proc. An empty path means the descriptor.
 */
struct place {
  int fd; /* ours to close, or -1 */
  char proc[32];
};

static int place_open(struct place *place, int dirfd, const char *path) {
  place->fd = -1;
  if (path[0] != 0) {
    place->fd = openat(dirfd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (place->fd < 0) return -1;
    dirfd = place->fd;
  }
  snprintf(place->proc, sizeof place->proc, "/proc/self/fd/%d", dirfd);
  return 0;
}

static void place_close(struct place *place) {
  close_fd(&place->fd);
}
#define PLACE(name) __attribute__((cleanup(place_close))) struct place name = {.fd = -1}

static napi_value list_xattrs(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  PLACE(place);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  if (args.bad) return NULL;
  if (place_open(&place, dirfd, path.bytes) != 0) return fail(env, errno, "openat", path.bytes);
  napi_value list;
  napi_create_array(env, &list);
  /* 64 KiB is the kernel's own limit (XATTR_LIST_MAX). Most files have none: ask for the length first. */
  ssize_t length = listxattr(place.proc, NULL, 0);
  if (length == 0 || (length < 0 && errno == EOPNOTSUPP)) return list;
  HEAP char *names = malloc(65536);
  if (names == NULL) return fail(env, ENOMEM, "listxattr", NULL);
  length = listxattr(place.proc, names, 65536);
  if (length < 0) return fail(env, errno, "listxattr", path.bytes);
  uint32_t at = 0;
  for (char *name = names; name < names + length; name += strlen(name) + 1) {
    napi_set_element(env, list, at++, js_name(env, name, strlen(name)));
  }
  return list;
}

/* The value, or null when the attribute is not there. */
static napi_value get_xattr(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  TEXT(name);
  PLACE(place);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  arg_text(&args, 2, &name);
  if (args.bad) return NULL;
  if (place_open(&place, dirfd, path.bytes) != 0) return fail(env, errno, "openat", path.bytes);
  char small[256];
  ssize_t length = getxattr(place.proc, name.bytes, small, sizeof small);
  if (length >= 0) return js_bytes(env, small, (size_t)length);
  if (errno == ERANGE) {
    HEAP char *value = malloc(65536);
    if (value == NULL) return fail(env, ENOMEM, "getxattr", NULL);
    length = getxattr(place.proc, name.bytes, value, 65536);
    if (length >= 0) return js_bytes(env, value, (size_t)length);
  }
  if (errno != ENODATA && errno != EOPNOTSUPP) return fail(env, errno, "getxattr", path.bytes);
  napi_value null;
  napi_get_null(env, &null);
  return null;
}

static napi_value set_xattr(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  TEXT(name);
  struct span value = {0};
  PLACE(place);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  arg_text(&args, 2, &name);
  arg_span(&args, 3, &value);
  if (args.bad) return NULL;
  if (place_open(&place, dirfd, path.bytes) != 0) return fail(env, errno, "openat", path.bytes);
  if (setxattr(place.proc, name.bytes, value.bytes, value.length, 0) != 0) {
    return fail(env, errno, "setxattr", path.bytes);
  }
  return js_undefined(env);
}

static napi_value remove_xattr(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  TEXT(name);
  PLACE(place);
  int dirfd = arg_int(&args, 0);
  arg_text(&args, 1, &path);
  arg_text(&args, 2, &name);
  if (args.bad) return NULL;
  if (place_open(&place, dirfd, path.bytes) != 0) return fail(env, errno, "openat", path.bytes);
  if (removexattr(place.proc, name.bytes) != 0) return fail(env, errno, "removexattr", path.bytes);
  return js_undefined(env);
}

void export_xattr(napi_env env, napi_value exports) {
  export_function(env, exports, "listXattrs", list_xattrs);
  export_function(env, exports, "getXattr", get_xattr);
  export_function(env, exports, "setXattr", set_xattr);
  export_function(env, exports, "removeXattr", remove_xattr);
}
