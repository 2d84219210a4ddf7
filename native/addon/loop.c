#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef LOOP_CONFIGURE
#define LOOP_CONFIGURE 0x4C0A
struct loop_config {
  __u32 fd;
  __u32 block_size;
  struct loop_info64 info;
  __u64 __reserved[8];
};
#endif

/* How often another process may take the free device before us. */
#define TRIES 64

static int configure(int device, int file, const char *name, uint32_t flags) {
  struct loop_config config = {.fd = (uint32_t)file, .info = {.lo_flags = flags}};
  snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", name);
  return ioctl(device, LOOP_CONFIGURE, &config);
}

static int open_device(int index, int flags) {
  char path[32];
  snprintf(path, sizeof path, "/dev/loop%d", index);
  int device = open(path, flags | O_CLOEXEC);
  if (device >= 0 || errno != ENOENT) return device;
  /* Where nobody makes nodes in /dev as devices come. */
  if (mknod(path, S_IFBLK | 0660, makedev(7, (unsigned)index)) != 0 && errno != EEXIST) return -1;
  return open(path, flags | O_CLOEXEC);
}

/* (file descriptor, its path, flags) -> [index, descriptor]: a free device shows the file. The kernel frees it when the descriptor and all mounts of it are gone, if the flags have LO_FLAGS_AUTOCLEAR. */
static napi_value loop_attach(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(name);
  int file = arg_int(&args, 0);
  arg_text(&args, 1, &name);
  uint32_t flags = arg_uint(&args, 2);
  if (args.bad) return NULL;
  FD(control) = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return fail(env, errno, "open", "/dev/loop-control");
  for (int i = 0; i < TRIES; i++) {
    int index = ioctl(control, LOOP_CTL_GET_FREE);
    if (index < 0) return fail(env, errno, "LOOP_CTL_GET_FREE", name.bytes);
    int device = open_device(index, (flags & LO_FLAGS_READ_ONLY) ? O_RDONLY : O_RDWR);
    if (device < 0) return fail(env, errno, "open", "/dev/loop");
    if (configure(device, file, name.bytes, flags) == 0) {
      double *out;
      napi_value result = js_doubles(env, 2, &out);
      out[0] = index;
      out[1] = device;
      return result;
    }
    int error = errno;
    close(device);
    if (error != EBUSY) return fail(env, error, "LOOP_CONFIGURE", name.bytes);
  }
  return fail(env, EBUSY, "LOOP_CONFIGURE", name.bytes);
}

/* (device descriptor, on) */
static napi_value loop_autoclear(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int device = arg_int(&args, 0);
  int on = arg_int(&args, 1);
  if (args.bad) return NULL;
  struct loop_info64 status;
  if (ioctl(device, LOOP_GET_STATUS64, &status) != 0) return fail(env, errno, "LOOP_GET_STATUS64", NULL);
  status.lo_flags = on ? status.lo_flags | LO_FLAGS_AUTOCLEAR : status.lo_flags & ~(uint32_t)LO_FLAGS_AUTOCLEAR;
  if (ioctl(device, LOOP_SET_STATUS64, &status) != 0) return fail(env, errno, "LOOP_SET_STATUS64", NULL);
  return js_undefined(env);
}

/* (device descriptor) -> [device, inode] of the file that it shows, as the kernel numbers them. ENXIO for a free device. */
static napi_value loop_status(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int device = arg_int(&args, 0);
  if (args.bad) return NULL;
  struct loop_info64 status;
  if (ioctl(device, LOOP_GET_STATUS64, &status) != 0) return fail(env, errno, "LOOP_GET_STATUS64", NULL);
  double *out;
  napi_value result = js_doubles(env, 2, &out);
  out[0] = (double)status.lo_device;
  out[1] = (double)status.lo_inode;
  return result;
}

void export_loop(napi_env env, napi_value exports) {
  export_function(env, exports, "loopAttach", loop_attach);
  export_function(env, exports, "loopAutoclear", loop_autoclear);
  export_function(env, exports, "loopStatus", loop_status);
}
