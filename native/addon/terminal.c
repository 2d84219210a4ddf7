#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* The terminal's settings as bytes, for setTerminal() to put back. */
static napi_value get_terminal(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  if (args.bad) return NULL;
  struct termios state;
  if (tcgetattr(fd, &state) != 0) return fail(env, errno, "tcgetattr", NULL);
  return js_bytes(env, &state, sizeof state);
}

static napi_value set_terminal(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  struct span span = {0};
  arg_span(&args, 1, &span);
  if (args.bad) return NULL;
  if (span.length != sizeof(struct termios)) return fail(env, EINVAL, "tcsetattr", NULL);
  return tcsetattr(fd, TCSANOW, (const struct termios *)span.bytes) != 0 ? fail(env, errno, "tcsetattr", NULL)
                                                                         : js_undefined(env);
}

/* Every byte passes as it is, both ways. */
static napi_value make_raw(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  if (args.bad) return NULL;
  struct termios state;
  if (tcgetattr(fd, &state) != 0) return fail(env, errno, "tcgetattr", NULL);
  cfmakeraw(&state);
  return tcsetattr(fd, TCSANOW, &state) != 0 ? fail(env, errno, "tcsetattr", NULL) : js_undefined(env);
}

/* [columns, rows] */
static napi_value get_size(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  if (args.bad) return NULL;
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return fail(env, errno, "ioctl(TIOCGWINSZ)", NULL);
  double *out;
  napi_value array = js_doubles(env, 2, &out);
  out[0] = size.ws_col;
  out[1] = size.ws_row;
  return array;
}

static napi_value set_size(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  struct winsize size = {.ws_col = (unsigned short)arg_uint(&args, 1), .ws_row = (unsigned short)arg_uint(&args, 2)};
  if (args.bad) return NULL;
  return ioctl(fd, TIOCSWINSZ, &size) != 0 ? fail(env, errno, "ioctl(TIOCSWINSZ)", NULL) : js_undefined(env);
}

/* { master, path }: a new pseudo-terminal, non-blocking on our side; the other end is opened by its path. */
static napi_value open_terminal(napi_env env, napi_callback_info info) {
  (void)info;
  char path[64];
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0) return fail(env, errno, "posix_openpt", NULL);
  if (grantpt(master) != 0 || unlockpt(master) != 0 || ptsname_r(master, path, sizeof path) != 0) {
    int error = errno;
    close(master);
    return fail(env, error, "ptsname", NULL);
  }
  napi_value result, name;
  napi_create_object(env, &result);
  napi_create_string_utf8(env, path, NAPI_AUTO_LENGTH, &name);
  napi_set_named_property(env, result, "master", js_number(env, master));
  napi_set_named_property(env, result, "path", name);
  return result;
}

void export_terminal(napi_env env, napi_value exports) {
  export_function(env, exports, "getTerminal", get_terminal);
  export_function(env, exports, "setTerminal", set_terminal);
  export_function(env, exports, "makeRaw", make_raw);
  export_function(env, exports, "getTerminalSize", get_size);
  export_function(env, exports, "setTerminalSize", set_size);
  export_function(env, exports, "openTerminal", open_terminal);
}
