/* What a daemon tells `start` on stdin, and what it is answered: both changed with the years.
 *
 *   containerd   stdin                                   stdout
 *   1.x          nothing, or an Any of the options       the address
 *   2.0 to 2.2   the same                                the address, or JSON with version 3
 *   2.3 on       BootstrapParams                         BootstrapResult */
#ifndef BOOTSTRAP_H
#define BOOTSTRAP_H

#include "args.h"
#include "options.h"

enum answer { ANSWER_ADDRESS, ANSWER_JSON, ANSWER_RESULT };

struct bootstrap {
	struct runc_options options;
	enum answer answer;
	char *id, *namespace, *ttrpc, *grpc, *binary, *socket_dir; /* "" when not told */
	bool debug;
};

/* max_version: the environment's MAX_SHIM_VERSION, or NULL. Never confuses the two messages: parameters
   name the id and namespace of the command line, or have fields that an Any has not. */
int bootstrap_parse(struct bootstrap *b, struct bytes in, const struct args *a, const char *max_version, struct err *e);
void bootstrap_free(struct bootstrap *b);
void bootstrap_answer(enum answer how, const char *address, struct buf *out);

#endif
