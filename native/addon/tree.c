#include "tree.h"
#include "at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

struct owner {
  uint32_t uid, gid;
  struct timespec times[2];
};

/* Four arguments: uid, gid, seconds and nanoseconds of the modification time (the access time is set to the same). */
static struct owner arg_owner(struct args *args, size_t index) {
  struct owner owner = {.uid = arg_uint(args, index), .gid = arg_uint(args, index + 1)};
  owner.times[0] = owner.times[1] = arg_time(args, index + 2);
  return owner;
}

/*
 * The owner first: a change of owner takes set-id bits away. What is so already is left: to look costs a fifth of what a change does, and
 * on a disk a change is written to the journal.
 */
static int dress_fd(int fd, uint32_t mode, const struct owner *owner) {
  struct stat st;
  if (fstat(fd, &st) != 0) return errno;
  mode &= 07777;
  bool owned = st.st_uid == owner->uid && st.st_gid == owner->gid;
  if (!owned && fchown(fd, owner->uid, owner->gid) != 0) return errno;
  bool same = (st.st_mode & 07777) == mode && (owned || (mode & 07000) == 0);
  if (!same && fchmod(fd, mode) != 0) return errno;
  return futimens(fd, owner->times) != 0 ? errno : 0;
}

static int dress_link(const struct spot *spot, const struct owner *owner) {
  if (fchownat(spot->dirfd, spot->name, owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  return utimensat(spot->dirfd, spot->name, owner->times, AT_SYMLINK_NOFOLLOW) != 0 ? errno : 0;
}

static void finalize_tree(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct tree *tree = data;
  tree_forget(tree);
  close_fd(&tree->root);
  free(tree);
}

static napi_value open_tree_(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  arg_text(&args, 0, &path);
  if (args.bad) return NULL;
  int root = open(path.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return fail(env, errno, "open", path.bytes);
  struct tree *tree = calloc(1, sizeof *tree);
  if (tree == NULL) {
    close(root);
    return fail(env, ENOMEM, "open", path.bytes);
  }
  tree->root = root;
  for (int i = 0; i < TREE_PARENTS; i++) tree->parents[i].fd = -1;
  napi_value handle;
  napi_create_external(env, tree, finalize_tree, NULL, &handle);
  return handle;
}

static napi_value close_tree(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  struct tree *tree = arg_external(&args, 0);
  if (args.bad) return NULL;
  tree_forget(tree);
  close_fd(&tree->root);
  tree->root = -1;
  return js_undefined(env);
}

static int create_file(struct tree *tree, const struct spot *spot, mode_t mode) {
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat(spot->dirfd, spot->name, flags, mode);
  if (fd >= 0 || errno != EEXIST) return fd;
  int error = tree_clear(tree, spot);
  if (error == 0) return openat(spot->dirfd, spot->name, flags, mode);
  errno = error;
  return -1;
}

static int write_all(int fd, const struct span *data) {
  for (size_t at = 0; at < data->length;) {
    ssize_t done = write(fd, data->bytes + at, data->length - at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    at += (size_t)done;
  }
  return 0;
}

/* With data: the whole file in one call. Without: a descriptor to write to, for finishFile(). */
static napi_value tree_file(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  struct span data = {0};
  struct spot spot;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &path);
  uint32_t mode = arg_uint(&args, 2);
  struct owner owner = arg_owner(&args, 3);
  bool open_only = arg_is_nullish(&args, 7);
  arg_span(&args, 7, &data);
  if (args.bad) return NULL;
  int error = tree_spot(tree, &path, true, &spot);
  if (error != 0) return fail(env, error, "openat2", path.bytes);
  /* Usually the mode that it is to have, so that it need not be changed; the umask may take some of it away. */
  int fd = create_file(tree, &spot, open_only ? 0600 : mode & 0755);
  if (fd < 0) return fail(env, errno, "openat", path.bytes);
  if (open_only) return js_number(env, fd);
  error = write_all(fd, &data);
  const char *syscall = error != 0 ? "write" : "fchown";
  if (error == 0) error = dress_fd(fd, mode, &owner);
  if (close(fd) != 0 && error == 0) error = errno;
  return error != 0 ? fail(env, error, syscall, path.bytes) : js_undefined(env);
}

/* Owner, mode, times, close: in every case the descriptor is closed. */
static napi_value finish_file(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  uint32_t mode = arg_uint(&args, 1);
  struct owner owner = arg_owner(&args, 2);
  if (args.bad) return NULL;
  int error = dress_fd(fd, mode, &owner);
  if (close(fd) != 0 && error == 0) error = errno;
  return error != 0 ? fail(env, error, "fchown", NULL) : js_undefined(env);
}

static int make_directory(struct tree *tree, const struct spot *spot) {
  struct stat st;
  if (strcmp(spot->name, ".") == 0 || mkdirat(spot->dirfd, spot->name, 0700) == 0) return 0;
  if (errno != EEXIST) return errno;
  if (fstatat(spot->dirfd, spot->name, &st, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  if (S_ISDIR(st.st_mode)) return 0;
  int error = tree_clear(tree, spot);
  if (error != 0) return error;
  return mkdirat(spot->dirfd, spot->name, 0700) != 0 ? errno : 0;
}

/* A directory that is there already is kept with its content, and given the attributes. */
static napi_value tree_directory(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  struct spot spot;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &path);
  uint32_t mode = arg_uint(&args, 2);
  struct owner owner = arg_owner(&args, 3);
  if (args.bad) return NULL;
  int error = tree_spot(tree, &path, true, &spot);
  if (error == 0) error = make_directory(tree, &spot);
  if (error != 0) return fail(env, error, "mkdirat", path.bytes);
  int fd = openat(spot.dirfd, spot.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fail(env, errno, "openat", path.bytes);
  error = dress_fd(fd, mode, &owner);
  size_t length = path.length;
  while (length > 0 && path.bytes[length - 1] == '/') length--;
  tree_keep(tree, path.bytes, strcmp(spot.name, ".") == 0 ? 0 : length, fd);
  return error != 0 ? fail(env, error, "fchown", path.bytes) : js_undefined(env);
}

static napi_value tree_symlink(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(target);
  TEXT(path);
  struct spot spot;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &target);
  arg_text(&args, 2, &path);
  struct owner owner = arg_owner(&args, 3);
  if (args.bad) return NULL;
  int error = tree_spot(tree, &path, true, &spot);
  if (error == 0 && symlinkat(target.bytes, spot.dirfd, spot.name) != 0) {
    error = errno == EEXIST ? tree_clear(tree, &spot) : errno;
    if (error == 0 && symlinkat(target.bytes, spot.dirfd, spot.name) != 0) error = errno;
  }
  if (error == 0) error = dress_link(&spot, &owner);
  return error != 0 ? fail(env, error, "symlinkat", path.bytes) : js_undefined(env);
}

/* The target is a path of the tree too; when it is itself a link, the link gets the second name. */
static napi_value tree_link(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(target);
  TEXT(path);
  struct spot from, to;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &target);
  arg_text(&args, 2, &path);
  if (args.bad) return NULL;
  int error = tree_spot(tree, &path, true, &to);
  /* Twice: making room for one parent may have closed the other's descriptor; after the second round both are recent. */
  if (error == 0) error = tree_spot(tree, &target, false, &from);
  if (error == 0) error = tree_spot(tree, &path, true, &to);
  if (error != 0) return fail(env, error, "openat2", path.bytes);
  struct stat a, b;
  if (fstatat(from.dirfd, from.name, &a, AT_SYMLINK_NOFOLLOW) != 0) return fail(env, errno, "linkat", target.bytes);
  if (fstatat(to.dirfd, to.name, &b, AT_SYMLINK_NOFOLLOW) == 0) {
    /* The same file already: clearing the way would delete the target. */
    if (a.st_dev == b.st_dev && a.st_ino == b.st_ino) return js_undefined(env);
    error = S_ISDIR(b.st_mode) ? tree_clear(tree, &to) : (unlinkat(to.dirfd, to.name, 0) != 0 ? errno : 0);
    if (error != 0) return fail(env, error, "unlinkat", path.bytes);
    tree_forget(tree);
    error = tree_spot(tree, &target, false, &from);
    if (error == 0) error = tree_spot(tree, &path, true, &to);
    if (error != 0) return fail(env, error, "openat2", path.bytes);
  }
  return linkat(from.dirfd, from.name, to.dirfd, to.name, 0) != 0 ? fail(env, errno, "linkat", path.bytes)
                                                                 : js_undefined(env);
}

/* Devices, fifos, sockets; a whiteout is a character device 0:0. The mode carries the type. */
static napi_value tree_node(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  struct spot spot;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &path);
  uint32_t mode = arg_uint(&args, 2), high = arg_uint(&args, 3), low = arg_uint(&args, 4);
  struct owner owner = arg_owner(&args, 5);
  if (args.bad) return NULL;
  dev_t device = makedev(high, low);
  int error = tree_spot(tree, &path, true, &spot);
  if (error == 0 && mknodat(spot.dirfd, spot.name, mode, device) != 0) {
    error = errno == EEXIST ? tree_clear(tree, &spot) : errno;
    if (error == 0 && mknodat(spot.dirfd, spot.name, mode, device) != 0) error = errno;
  }
  if (error == 0 && fchownat(spot.dirfd, spot.name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
  if (error == 0 && chmod_nofollow(spot.dirfd, spot.name, mode & 07777) != 0) error = errno;
  if (error == 0) error = dress_link(&spot, &owner);
  return error != 0 ? fail(env, error, "mknodat", path.bytes) : js_undefined(env);
}

/* With all below it: true when there was something. A missing parent means that there was nothing. */
static napi_value tree_remove(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  struct spot spot;
  struct stat st;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &path);
  if (args.bad) return NULL;
  int error = tree_spot(tree, &path, false, &spot);
  if (error == 0 && fstatat(spot.dirfd, spot.name, &st, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
  if (error == ENOENT || error == ENOTDIR) return js_bool(env, false);
  if (error == 0) error = tree_clear(tree, &spot);
  return error != 0 ? fail(env, error, "unlinkat", path.bytes) : js_bool(env, true);
}

static napi_value tree_times(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  struct spot spot;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &path);
  struct timespec at = arg_time(&args, 2);
  if (args.bad) return NULL;
  const struct timespec times[2] = {at, at};
  int error = tree_spot(tree, &path, false, &spot);
  if (error == 0 && utimensat(spot.dirfd, spot.name, times, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
  return error != 0 ? fail(env, error, "utimensat", path.bytes) : js_undefined(env);
}

static napi_value tree_xattr(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  TEXT(name);
  struct span value = {0};
  struct spot spot;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &path);
  arg_text(&args, 2, &name);
  arg_span(&args, 3, &value);
  if (args.bad) return NULL;
  int error = tree_spot(tree, &path, false, &spot);
  if (error != 0) return fail(env, error, "openat2", path.bytes);
  char proc[300];
  /* The way to the directory is a descriptor, and lsetxattr() does not follow the last step. */
  snprintf(proc, sizeof proc, "/proc/self/fd/%d/%s", spot.dirfd, spot.name);
  if (lsetxattr(proc, name.bytes, value.bytes, value.length, 0) != 0) return fail(env, errno, "lsetxattr", path.bytes);
  return js_undefined(env);
}

/* A descriptor of what the path names (never through a link), with these open(2) flags; the caller closes it. */
static napi_value tree_open(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  struct spot spot;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &path);
  int flags = arg_int(&args, 2);
  if (args.bad) return NULL;
  int error = tree_spot(tree, &path, false, &spot);
  if (error != 0) return fail(env, error, "openat2", path.bytes);
  int fd = openat(spot.dirfd, spot.name, (flags & ~O_CREAT) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  return fd < 0 ? fail(env, errno, "openat", path.bytes) : js_number(env, fd);
}

/* What lstat() says, or null when it is not there. */
static napi_value tree_stat(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  struct spot spot;
  struct stat st;
  struct tree *tree = arg_external(&args, 0);
  arg_text(&args, 1, &path);
  if (args.bad) return NULL;
  int error = tree_spot(tree, &path, false, &spot);
  if (error == 0 && fstatat(spot.dirfd, spot.name, &st, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
  if (error == ENOENT || error == ENOTDIR) {
    napi_value null;
    napi_get_null(env, &null);
    return null;
  }
  if (error != 0) return fail(env, error, "fstatat", path.bytes);
  double *out;
  napi_value array = js_doubles(env, STAT_DOUBLES, &out);
  stat_doubles(&st, out);
  return array;
}

void export_tree(napi_env env, napi_value exports) {
  export_function(env, exports, "openTree", open_tree_);
  export_function(env, exports, "closeTree", close_tree);
  export_function(env, exports, "treeFile", tree_file);
  export_function(env, exports, "finishFile", finish_file);
  export_function(env, exports, "treeDirectory", tree_directory);
  export_function(env, exports, "treeSymlink", tree_symlink);
  export_function(env, exports, "treeLink", tree_link);
  export_function(env, exports, "treeNode", tree_node);
  export_function(env, exports, "treeRemove", tree_remove);
  export_function(env, exports, "treeTimes", tree_times);
  export_function(env, exports, "treeXattr", tree_xattr);
  export_function(env, exports, "treeOpen", tree_open);
  export_function(env, exports, "treeStat", tree_stat);
}
