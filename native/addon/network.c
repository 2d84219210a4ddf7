#include "addon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static int loopback_up(void) {
  FD(fd) = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  struct ifreq request = {.ifr_name = "lo"};
  if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) return errno;
  request.ifr_flags |= IFF_UP;
  return ioctl(fd, SIOCSIFFLAGS, &request) != 0 ? errno : 0;
}

/*
 * The thread leaves for a network namespace of its own, and ends with it: only the mount keeps the namespace. What happens
 * between file and mount leaves an empty file.
 */
static void run_namespace(struct job *job) {
  job->syscall = "open";
  FD(fd) = open(job->path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (fd < 0) {
    job->error = errno;
    return;
  }
  job->syscall = "unshare";
  job->error = unshare(CLONE_NEWNET) != 0 ? errno : 0;
  if (job->error == 0) {
    job->syscall = "ioctl";
    job->error = loopback_up();
  }
  if (job->error == 0) {
    job->syscall = "mount";
    job->error = mount("/proc/thread-self/ns/net", job->path, NULL, MS_BIND, NULL) != 0 ? errno : 0;
  }
  if (job->error != 0) unlink(job->path);
}

/* A network namespace with its loopback up, kept by a mount on a new file at this path. */
static napi_value make_network_namespace(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  arg_text(&args, 0, &path);
  if (args.bad) return NULL;
  struct job *job = calloc(1, sizeof *job);
  if (job == NULL || (job->path = strdup(path.bytes)) == NULL) {
    free(job);
    return fail(env, ENOMEM, "unshare", NULL);
  }
  job->run = run_namespace;
  return job_start(env, job);
}

/*
 * A socket that is bound and no more: nobody else gets the port, and who connects is refused. `protocol` is a number of the
 * Internet's (6, 17, 132). An IPv6 socket takes nothing of IPv4.
 */
static napi_value bind_port(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int protocol = arg_int(&args, 0);
  TEXT(address);
  arg_text(&args, 1, &address);
  int port = arg_int(&args, 2);
  if (args.bad) return NULL;
  union {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
  } name = {0};
  bool six = strchr(address.bytes, ':') != NULL;
  if (six) {
    name.six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  } else {
    name.four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  }
  void *bytes = six ? (void *)&name.six.sin6_addr : (void *)&name.four.sin_addr;
  if (inet_pton(name.any.sa_family, address.bytes, bytes) != 1) return fail(env, EINVAL, "bind", address.bytes);
  int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
  FD(fd) = socket(name.any.sa_family, type | SOCK_CLOEXEC, protocol);
  if (fd < 0) return fail(env, errno, "socket", address.bytes);
  int on = 1;
  if (six && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
    return fail(env, errno, "setsockopt", address.bytes);
  }
  if (bind(fd, &name.any, six ? sizeof name.six : sizeof name.four) != 0) return fail(env, errno, "bind", address.bytes);
  int held = fd;
  fd = -1;
  return js_number(env, held);
}

void export_network(napi_env env, napi_value exports) {
  export_function(env, exports, "makeNetworkNamespace", make_network_namespace);
  export_function(env, exports, "bindPort", bind_port);
}
