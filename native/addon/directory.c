#include "addon.h"
#include "at.h"
#include "names.h"

#include <errno.h>
#include <fcntl.h>

/* All names of a directory with what lstat() says of each, in one call: { names, stats } with 16 numbers per name. */
static napi_value list_directory(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int dirfd = arg_int(&args, 0);
  if (args.bad) return NULL;
  __attribute__((cleanup(names_free))) struct names names = {0};
  if (names_read(dirfd, &names) != 0) return fail(env, errno, "getdents64", NULL);
  napi_value result, list, stats;
  double *out;
  napi_create_object(env, &result);
  napi_create_array_with_length(env, names.count, &list);
  stats = js_doubles(env, names.count * STAT_DOUBLES, &out);
  uint32_t at = 0;
  for (const struct name *name = names_first(&names); name != NULL; name = names_next(&names, name)) {
    struct stat st;
    if (fstatat(dirfd, name->text, &st, AT_SYMLINK_NOFOLLOW) != 0) return fail(env, errno, "fstatat", name->text);
    napi_set_element(env, list, at, js_name(env, name->text, name->length));
    stat_doubles(&st, out + (size_t)at * STAT_DOUBLES);
    at++;
  }
  napi_set_named_property(env, result, "names", list);
  napi_set_named_property(env, result, "stats", stats);
  return result;
}

void export_directory(napi_env env, napi_value exports) {
  export_function(env, exports, "listDirectory", list_directory);
}
