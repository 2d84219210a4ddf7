/* The serving process. */
#ifndef SERVE_H
#define SERVE_H

#include "base.h"

struct serve {
	const char *namespace, *id, *grpc, *ttrpc, *binary, *socket_path;
	bool debug;
	int listener;
};

/* Serves until told to shut down, and removes the socket. The current directory is the bundle. */
void serve(const struct serve *how);

#endif
