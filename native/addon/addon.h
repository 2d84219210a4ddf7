/*
 * What every family of the addon shares: reading arguments, throwing errors as Node throws its own, running a blocking
 * call on a thread of its own. Plain Node-API; no policy: names, defaults and decisions live in src/sys.
 */
#pragma once

#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define MAX_ARGS 12

/* The arguments of one call. `bad` is set, and a TypeError pending, once a getter met a value of the wrong kind. */
struct args {
  napi_env env;
  size_t count;
  napi_value at[MAX_ARGS];
  bool bad;
};

/* A path or other text: given as a string (UTF-8) or as bytes; always ends with a NUL and has none inside. */
struct text {
  char *bytes; /* NULL when null or undefined was given and allowed */
  size_t length;
  char small[512];
};

struct span {
  uint8_t *bytes; /* NULL when null or undefined was given */
  size_t length;
};

void args_read(struct args *args, napi_env env, napi_callback_info info);
bool arg_is_nullish(struct args *args, size_t index);
int32_t arg_int(struct args *args, size_t index);
uint32_t arg_uint(struct args *args, size_t index);
int64_t arg_int64(struct args *args, size_t index);
void arg_text(struct args *args, size_t index, struct text *out);
void arg_text_or_null(struct args *args, size_t index, struct text *out);
void arg_span(struct args *args, size_t index, struct span *out);
void *arg_external(struct args *args, size_t index);
struct timespec;
/* Two arguments: seconds (may be negative or have no bound below 2^53) and nanoseconds. */
struct timespec arg_time(struct args *args, size_t index);

void text_free(struct text *text);
void close_fd(int *fd);
void free_pointer(void *pointer);
#define TEXT(name) __attribute__((cleanup(text_free))) struct text name = {0}
#define FD(name) __attribute__((cleanup(close_fd))) int name
#define HEAP __attribute__((cleanup(free_pointer)))

/* An Error with code, errno (negative, as Node has it), syscall and path. `path` may be NULL. */
napi_value make_error(napi_env env, int number, const char *syscall, const char *path);
/* Throws it and returns NULL, for `return fail(...)`. */
napi_value fail(napi_env env, int number, const char *syscall, const char *path);

napi_value js_undefined(napi_env env);
napi_value js_number(napi_env env, double number);
napi_value js_bool(napi_env env, bool value);
/* A copy of the bytes as a Uint8Array. */
napi_value js_bytes(napi_env env, const void *bytes, size_t length);
/* A string when the bytes are UTF-8, otherwise the bytes. */
napi_value js_name(napi_env env, const char *bytes, size_t length);
/* A Float64Array of `count` numbers, filled by the caller through `out`. */
napi_value js_doubles(napi_env env, size_t count, double **out);

void export_function(napi_env env, napi_value exports, const char *name, napi_callback callback);
void export_number(napi_env env, napi_value exports, const char *name, double value);

/*
 * A blocking call on its own thread. Embed it first in a struct from calloc(); `run` works there and sets `error`
 * (0 or an errno) and `syscall`; `result` then makes the value on the JS thread (NULL: undefined); `release` frees what
 * the struct owns besides itself. job_start() returns the promise, and owns the job from then on.
 */
struct job {
  void (*run)(struct job *job);
  napi_value (*result)(napi_env env, struct job *job);
  void (*release)(struct job *job);
  const char *syscall;
  char *path;
  int error;
  napi_deferred deferred;
  napi_threadsafe_function tsfn;
};
napi_value job_start(napi_env env, struct job *job);

void export_at(napi_env env, napi_value exports);
void export_btrfs(napi_env env, napi_value exports);
void export_copy(napi_env env, napi_value exports);
void export_directory(napi_env env, napi_value exports);
void export_file(napi_env env, napi_value exports);
void export_loop(napi_env env, napi_value exports);
void export_mount(napi_env env, napi_value exports);
void export_memory(napi_env env, napi_value exports);
void export_network(napi_env env, napi_value exports);
void export_process(napi_env env, napi_value exports);
void export_remove(napi_env env, napi_value exports);
void export_sealed(napi_env env, napi_value exports);
void export_socket(napi_env env, napi_value exports);
void export_terminal(napi_env env, napi_value exports);
void export_tree(napi_env env, napi_value exports);
void export_usage(napi_env env, napi_value exports);
void export_watch(napi_env env, napi_value exports);
void export_xattr(napi_env env, napi_value exports);
