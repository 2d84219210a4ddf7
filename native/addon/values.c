#include "addon.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void bad_argument(struct args *args, size_t index, const char *wanted) {
  if (args->bad) return;
  args->bad = true;
  char message[96];
  snprintf(message, sizeof message, "argument %zu must be %s", index + 1, wanted);
  napi_throw_type_error(args->env, "ERR_INVALID_ARG_TYPE", message);
}

void args_read(struct args *args, napi_env env, napi_callback_info info) {
  args->env = env;
  args->count = MAX_ARGS;
  args->bad = false;
  /* Node-API fills the rest of the array with undefined. */
  napi_get_cb_info(env, info, &args->count, args->at, NULL, NULL);
}

bool arg_is_nullish(struct args *args, size_t index) {
  napi_valuetype type = napi_undefined;
  napi_typeof(args->env, args->at[index], &type);
  return type == napi_undefined || type == napi_null;
}

/* Integers only: NaN, fractions and what a double cannot hold exactly are refused, never rounded. */
int64_t arg_int64(struct args *args, size_t index) {
  double value = 0;
  if (napi_get_value_double(args->env, args->at[index], &value) != napi_ok || value != trunc(value) ||
      fabs(value) > 9007199254740991.0) {
    bad_argument(args, index, "an integer");
    return 0;
  }
  return (int64_t)value;
}

int32_t arg_int(struct args *args, size_t index) {
  int64_t value = arg_int64(args, index);
  if (value < INT32_MIN || value > INT32_MAX) bad_argument(args, index, "a 32-bit integer");
  return (int32_t)value;
}

uint32_t arg_uint(struct args *args, size_t index) {
  int64_t value = arg_int64(args, index);
  if (value < 0 || value > UINT32_MAX) bad_argument(args, index, "an unsigned 32-bit integer");
  return (uint32_t)value;
}

struct timespec arg_time(struct args *args, size_t index) {
  struct timespec at = {.tv_sec = arg_int64(args, index), .tv_nsec = arg_int64(args, index + 1)};
  if (at.tv_nsec < 0 || at.tv_nsec > 999999999) bad_argument(args, index + 1, "nanoseconds below a second");
  return at;
}

static char *text_room(struct text *out, size_t length) {
  out->length = length;
  out->bytes = length < sizeof out->small ? out->small : malloc(length + 1);
  return out->bytes;
}

void arg_text_or_null(struct args *args, size_t index, struct text *out) {
  if (!arg_is_nullish(args, index)) arg_text(args, index, out);
}

void arg_text(struct args *args, size_t index, struct text *out) {
  if (args->bad) return;
  size_t length = 0;
  napi_status status = napi_get_value_string_utf8(args->env, args->at[index], out->small, sizeof out->small, &length);
  if (status == napi_ok && length + 4 < sizeof out->small) {
    out->bytes = out->small;
    out->length = length;
  } else if (status == napi_ok) {
    /* It may have been cut short: ask for the length, then once more for all of it. */
    napi_get_value_string_utf8(args->env, args->at[index], NULL, 0, &length);
    if (text_room(out, length) == NULL) {
      bad_argument(args, index, "shorter");
      return;
    }
    napi_get_value_string_utf8(args->env, args->at[index], out->bytes, length + 1, &out->length);
  } else {
    struct span span = {0};
    arg_span(args, index, &span);
    if (args->bad) return;
    if (span.bytes == NULL && span.length == 0 && arg_is_nullish(args, index)) {
      bad_argument(args, index, "a string or bytes");
      return;
    }
    if (text_room(out, span.length) == NULL) {
      bad_argument(args, index, "shorter");
      return;
    }
    if (span.length > 0) memcpy(out->bytes, span.bytes, span.length);
    out->bytes[span.length] = 0;
  }
  if (memchr(out->bytes, 0, out->length) != NULL) bad_argument(args, index, "text without a NUL");
}

void arg_span(struct args *args, size_t index, struct span *out) {
  if (args->bad || arg_is_nullish(args, index)) return;
  napi_typedarray_type type;
  size_t length = 0;
  void *bytes = NULL;
  bool typed = false;
  if (napi_is_typedarray(args->env, args->at[index], &typed) != napi_ok || !typed ||
      napi_get_typedarray_info(args->env, args->at[index], &type, &length, &bytes, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    bad_argument(args, index, "a string or a Uint8Array");
    return;
  }
  out->bytes = bytes;
  out->length = length;
}

void *arg_external(struct args *args, size_t index) {
  void *pointer = NULL;
  if (args->bad) return NULL;
  if (napi_get_value_external(args->env, args->at[index], &pointer) != napi_ok || pointer == NULL) {
    bad_argument(args, index, "a handle of this addon");
    return NULL;
  }
  return pointer;
}

void text_free(struct text *text) {
  if (text->bytes != NULL && text->bytes != text->small) free(text->bytes);
}

void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
}

void free_pointer(void *pointer) {
  free(*(void **)pointer);
}

static void set_string(napi_env env, napi_value object, const char *name, const char *bytes) {
  napi_value value;
  if (napi_create_string_utf8(env, bytes, NAPI_AUTO_LENGTH, &value) == napi_ok) {
    napi_set_named_property(env, object, name, value);
  }
}

napi_value make_error(napi_env env, int number, const char *syscall, const char *path) {
  const char *code = strerrorname_np(number);
  if (code == NULL) code = "UNKNOWN";
  char reason[128];
  snprintf(reason, sizeof reason, "%s", strerror(number));
  /* Node writes its reasons small; one that begins with two capitals ("RFS specific error") is a name. */
  if (reason[0] >= 'A' && reason[0] <= 'Z' && reason[1] >= 'a') reason[0] = (char)(reason[0] + 32);
  char message[1024];
  if (path == NULL) {
    snprintf(message, sizeof message, "%s: %s, %s", code, reason, syscall);
  } else {
    snprintf(message, sizeof message, "%s: %s, %s '%.800s'", code, reason, syscall, path);
  }
  napi_value code_value, message_value, error, errno_value;
  napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value);
  napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &message_value);
  napi_create_error(env, code_value, message_value, &error);
  napi_create_int32(env, -number, &errno_value);
  napi_set_named_property(env, error, "errno", errno_value);
  set_string(env, error, "syscall", syscall);
  if (path != NULL) set_string(env, error, "path", path);
  return error;
}

napi_value fail(napi_env env, int number, const char *syscall, const char *path) {
  napi_throw(env, make_error(env, number, syscall, path));
  return NULL;
}

napi_value js_undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

napi_value js_number(napi_env env, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  return value;
}

napi_value js_bool(napi_env env, bool value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}

napi_value js_bytes(napi_env env, const void *bytes, size_t length) {
  void *room = NULL;
  napi_value buffer, array;
  napi_create_arraybuffer(env, length, &room, &buffer);
  if (length > 0) memcpy(room, bytes, length);
  napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array);
  return array;
}

napi_value js_doubles(napi_env env, size_t count, double **out) {
  void *room = NULL;
  napi_value buffer, array;
  napi_create_arraybuffer(env, count * sizeof(double), &room, &buffer);
  napi_create_typedarray(env, napi_float64_array, count, buffer, 0, &array);
  *out = room;
  return array;
}

/* Strict: no overlong forms, no surrogates, nothing above U+10FFFF; so that a name survives the way to JS and back. */
static bool is_utf8(const unsigned char *at, size_t length) {
  const unsigned char *end = at + length;
  while (at < end) {
    if (*at < 0x80) {
      at++;
      continue;
    }
    int more = *at >= 0xc2 && *at <= 0xdf ? 1 : (*at & 0xf0) == 0xe0 ? 2 : *at >= 0xf0 && *at <= 0xf4 ? 3 : 0;
    if (more == 0 || end - at <= more) return false;
    unsigned char low = 0x80, high = 0xbf;
    if (*at == 0xe0) low = 0xa0;
    if (*at == 0xed) high = 0x9f;
    if (*at == 0xf0) low = 0x90;
    if (*at == 0xf4) high = 0x8f;
    if (at[1] < low || at[1] > high) return false;
    for (int i = 2; i <= more; i++) {
      if ((at[i] & 0xc0) != 0x80) return false;
    }
    at += more + 1;
  }
  return true;
}

napi_value js_name(napi_env env, const char *bytes, size_t length) {
  napi_value value;
  if (!is_utf8((const unsigned char *)bytes, length)) return js_bytes(env, bytes, length);
  napi_create_string_utf8(env, bytes, length, &value);
  return value;
}

void export_function(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  napi_set_named_property(env, exports, name, function);
}

void export_number(napi_env env, napi_value exports, const char *name, double value) {
  napi_set_named_property(env, exports, name, js_number(env, value));
}
