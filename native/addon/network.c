#include "addon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
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

struct netlink_job {
  struct job job; /* its path: a network namespace, or NULL for ours */
  uint8_t *messages;
  size_t length;
  int32_t *errors;
  size_t count;
};

/* One acknowledgement for each message, in their order: 0 or an errno. */
static int read_acknowledgements(int fd, struct netlink_job *job) {
  char buffer[16384];
  for (size_t seen = 0; seen < job->count;) {
    ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got < 0) return errno;
    for (struct nlmsghdr *at = (struct nlmsghdr *)buffer; NLMSG_OK(at, got) && seen < job->count; at = NLMSG_NEXT(at, got)) {
      if (at->nlmsg_type != NLMSG_ERROR) return EPROTO;
      job->errors[seen++] = -((struct nlmsgerr *)NLMSG_DATA(at))->error;
    }
  }
  return 0;
}

/* In a thread of its own, which ends afterwards and so may be in another namespace. */
static void run_netlink(struct job *base) {
  struct netlink_job *job = (struct netlink_job *)base;
  if (base->path != NULL) {
    base->syscall = "setns";
    FD(namespace) = open(base->path, O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || setns(namespace, CLONE_NEWNET) != 0) {
      base->error = errno;
      return;
    }
  }
  base->syscall = "netlink";
  FD(fd) = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  struct timeval patience = {.tv_sec = 30};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      send(fd, job->messages, job->length, 0) < 0) {
    base->error = errno;
    return;
  }
  base->error = read_acknowledgements(fd, job);
}

static napi_value netlink_errors(napi_env env, struct job *base) {
  struct netlink_job *job = (struct netlink_job *)base;
  double *out;
  napi_value array = js_doubles(env, job->count, &out);
  for (size_t at = 0; at < job->count; at++) out[at] = job->errors[at];
  return array;
}

static void release_netlink(struct job *base) {
  struct netlink_job *job = (struct netlink_job *)base;
  free(job->messages);
  free(job->errors);
}

/* Requests to the kernel's routing, each of which must ask for an acknowledgement, in a namespace: what became of each. */
static napi_value netlink_(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  struct span messages;
  arg_text_or_null(&args, 0, &path);
  arg_span(&args, 1, &messages);
  int count = arg_int(&args, 2);
  if (args.bad) return NULL;
  struct netlink_job *job = calloc(1, sizeof *job);
  if (job == NULL) return fail(env, ENOMEM, "netlink", NULL);
  job->length = messages.length;
  job->count = count < 0 ? 0 : (size_t)count;
  job->messages = malloc(messages.length + 1);
  job->errors = calloc(job->count + 1, sizeof *job->errors);
  job->job.path = path.bytes == NULL ? NULL : strdup(path.bytes);
  if (job->messages == NULL || job->errors == NULL || (path.bytes != NULL && job->job.path == NULL)) {
    free(job->job.path);
    release_netlink(&job->job);
    free(job);
    return fail(env, ENOMEM, "netlink", NULL);
  }
  if (messages.length > 0) memcpy(job->messages, messages.bytes, messages.length);
  job->job.run = run_netlink;
  job->job.result = netlink_errors;
  job->job.release = release_netlink;
  return job_start(env, &job->job);
}

void export_network(napi_env env, napi_value exports) {
  export_function(env, exports, "makeNetworkNamespace", make_network_namespace);
  export_function(env, exports, "bindPort", bind_port);
  export_function(env, exports, "netlink", netlink_);
}
