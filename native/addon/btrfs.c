#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

static int set_name(char *room, size_t size, const struct text *name) {
  if (name->length == 0 || name->length >= size || memchr(name->bytes, '/', name->length) != NULL) return EINVAL;
  memcpy(room, name->bytes, name->length + 1);
  return 0;
}

/* (directory, name): a new, empty subvolume. */
static napi_value create_subvolume(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(directory);
  TEXT(name);
  arg_text(&args, 0, &directory);
  arg_text(&args, 1, &name);
  if (args.bad) return NULL;
  struct btrfs_ioctl_vol_args_v2 volume = {0};
  if (set_name(volume.name, sizeof volume.name, &name) != 0) return fail(env, EINVAL, "btrfs subvolume create", NULL);
  FD(fd) = open(directory.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(env, errno, "open", directory.bytes);
  if (ioctl(fd, BTRFS_IOC_SUBVOL_CREATE_V2, &volume) != 0) {
    return fail(env, errno, "btrfs subvolume create", name.bytes);
  }
  return js_undefined(env);
}

/* (source, directory, name, readonly): a subvolume that shares everything with the source. */
static napi_value snapshot_subvolume(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(source);
  TEXT(directory);
  TEXT(name);
  arg_text(&args, 0, &source);
  arg_text(&args, 1, &directory);
  arg_text(&args, 2, &name);
  uint32_t readonly = arg_uint(&args, 3);
  if (args.bad) return NULL;
  struct btrfs_ioctl_vol_args_v2 volume = {.flags = readonly != 0 ? BTRFS_SUBVOL_RDONLY : 0};
  if (set_name(volume.name, sizeof volume.name, &name) != 0) return fail(env, EINVAL, "btrfs snapshot", NULL);
  FD(from) = open(source.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (from < 0) return fail(env, errno, "open", source.bytes);
  FD(to) = open(directory.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (to < 0) return fail(env, errno, "open", directory.bytes);
  volume.fd = from;
  if (ioctl(to, BTRFS_IOC_SNAP_CREATE_V2, &volume) != 0) return fail(env, errno, "btrfs snapshot", name.bytes);
  return js_undefined(env);
}

struct delete_job {
  struct job job;
  struct btrfs_ioctl_vol_args volume;
};

static void run_delete(struct job *job) {
  struct delete_job *delete = (struct delete_job *)job;
  job->syscall = "open";
  FD(fd) = open(job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) job->syscall = "btrfs subvolume delete";
  if (fd < 0 || ioctl(fd, BTRFS_IOC_SNAP_DESTROY, &delete->volume) != 0) job->error = errno;
}

/* (directory, name), a promise: the kernel may first commit a transaction. */
static napi_value delete_subvolume(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(directory);
  TEXT(name);
  arg_text(&args, 0, &directory);
  arg_text(&args, 1, &name);
  if (args.bad) return NULL;
  struct delete_job *job = calloc(1, sizeof *job);
  if (job == NULL || set_name(job->volume.name, sizeof job->volume.name, &name) != 0 ||
      (job->job.path = strdup(directory.bytes)) == NULL) {
    free(job);
    return fail(env, EINVAL, "btrfs subvolume delete", name.bytes);
  }
  job->job.run = run_delete;
  return job_start(env, &job->job);
}

/* True when the path is the root of a subvolume: on btrfs, with the inode number that only those have. */
static napi_value is_subvolume(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  arg_text(&args, 0, &path);
  if (args.bad) return NULL;
  struct statfs fs;
  struct stat st;
  if (statfs(path.bytes, &fs) != 0 || lstat(path.bytes, &st) != 0) return fail(env, errno, "stat", path.bytes);
  return js_bool(env, (uint32_t)fs.f_type == BTRFS_SUPER_MAGIC && S_ISDIR(st.st_mode) && st.st_ino == 256);
}

/* The number by which a subvolume can be mounted (`subvolid=`). */
static napi_value subvolume_id(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  arg_text(&args, 0, &path);
  if (args.bad) return NULL;
  FD(fd) = open(path.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(env, errno, "open", path.bytes);
  struct btrfs_ioctl_ino_lookup_args lookup = {.objectid = BTRFS_FIRST_FREE_OBJECTID};
  if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &lookup) != 0) return fail(env, errno, "btrfs lookup", path.bytes);
  return js_number(env, (double)lookup.treeid);
}

static napi_value set_readonly(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  arg_text(&args, 0, &path);
  uint32_t readonly = arg_uint(&args, 1);
  if (args.bad) return NULL;
  FD(fd) = open(path.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(env, errno, "open", path.bytes);
  uint64_t flags = 0;
  if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) != 0) return fail(env, errno, "btrfs flags", path.bytes);
  flags = readonly != 0 ? flags | BTRFS_SUBVOL_RDONLY : flags & ~(uint64_t)BTRFS_SUBVOL_RDONLY;
  if (ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags) != 0) return fail(env, errno, "btrfs flags", path.bytes);
  return js_undefined(env);
}

void export_btrfs(napi_env env, napi_value exports) {
  export_function(env, exports, "createSubvolume", create_subvolume);
  export_function(env, exports, "snapshotSubvolume", snapshot_subvolume);
  export_function(env, exports, "deleteSubvolume", delete_subvolume);
  export_function(env, exports, "isSubvolume", is_subvolume);
  export_function(env, exports, "subvolumeId", subvolume_id);
  export_function(env, exports, "setSubvolumeReadonly", set_readonly);
}
