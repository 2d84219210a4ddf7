#include "addon.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* [pid, uid, gid] of who connected to this unix socket. */
static napi_value peer_credentials(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  if (args.bad) return NULL;
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return fail(env, errno, "getsockopt", NULL);
  double *out;
  napi_value array = js_doubles(env, 3, &out);
  out[0] = peer.pid;
  out[1] = peer.uid;
  out[2] = peer.gid;
  return array;
}

/* One datagram to a unix socket; a name that begins with "@" is in the abstract namespace. */
static napi_value send_datagram(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  TEXT(path);
  TEXT(message);
  arg_text(&args, 0, &path);
  arg_text(&args, 1, &message);
  if (args.bad) return NULL;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path.length >= sizeof address.sun_path) return fail(env, ENAMETOOLONG, "sendto", path.bytes);
  memcpy(address.sun_path, path.bytes, path.length);
  if (path.bytes[0] == '@') address.sun_path[0] = 0;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.length + (path.bytes[0] == '@' ? 0 : 1));
  FD(fd) = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(env, errno, "socket", NULL);
  if (sendto(fd, message.bytes, message.length, MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0) {
    return fail(env, errno, "sendto", path.bytes);
  }
  return js_undefined(env);
}

void export_socket(napi_env env, napi_value exports) {
  export_function(env, exports, "peerCredentials", peer_credentials);
  export_function(env, exports, "sendDatagram", send_datagram);
}
