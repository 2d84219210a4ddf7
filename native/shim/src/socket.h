/* The socket that a shim serves on. */
#ifndef SOCKET_H
#define SOCKET_H

#include "base.h"

#define SOCKET_DIR "/run/containerd/s"

/* The path for a group of containers of one daemon and namespace. */
char *socket_path(const char *dir, const char *grpc, const char *namespace, const char *group);
/* A listening socket, or -2 when a living shim already serves there, or -1. */
int socket_serve(const char *path, struct err *e);
/* Is somebody listening? */
bool socket_alive(const char *path);
/* A listening socket for its owner alone at a path of any length, in the place of one where nobody listens; or -1. */
int socket_listen(const char *path, struct err *e);

#endif
