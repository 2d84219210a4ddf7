/* Where output goes: a path, or a URI such as binary:///usr/bin/logger?key=value or log://json-file?path=/x. */
#ifndef URI_H
#define URI_H

#include "base.h"

enum uri_scheme { URI_FIFO, URI_FILE, URI_BINARY, URI_LOG, URI_ATTACH };

struct uri {
	enum uri_scheme scheme;
	bool says_ready; /* binary-v2: a logger that closes its descriptor without a byte has failed */
	char *path;  /* absolute, decoded; of a log: the driver's name; of attach: as it is */
	char **args; /* of a binary: key, value, key, … without empty values; of a log with them; NULL at the end */
	size_t arg_count;
};

/* A plain path is a fifo. INVALID_ARGUMENT for an unknown scheme, a host, a relative path, bad escapes. */
int uri_parse(const char *text, struct uri *u, struct err *e);
void uri_free(struct uri *u);

#endif
