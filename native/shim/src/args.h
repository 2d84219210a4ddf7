/* The command line, in the form of Go's flag package, as daemons write it. */
#ifndef ARGS_H
#define ARGS_H

#include "base.h"

struct args {
	const char *namespace, *id, *address, *publish_binary, *bundle, *socket; /* "" when not given */
	bool debug, version, info;
	const char *action; /* "start", "delete" or "" */
};

int args_parse(struct args *a, int argc, char **argv, struct err *e);

#endif
