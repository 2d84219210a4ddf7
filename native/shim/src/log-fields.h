/* What a log server is told of a container; common to the drivers that send. */
#ifndef LOG_FIELDS_H
#define LOG_FIELDS_H

#include "log-driver.h"

struct log_fields {
	const char *id, *name, *image;
	const char *tag;   /* or the short id */
	const char *attrs; /* JSON, or "" */
	char short_id[13];
};

/* The strings belong to the options, or are in f. */
void log_fields_read(struct log_fields *f, struct log_options *o);
/* Each attribute; values that are no strings are passed over. */
int log_attrs(const struct log_fields *f, void (*fn)(void *to, const char *name, const char *value), void *to, struct err *e);

#endif
