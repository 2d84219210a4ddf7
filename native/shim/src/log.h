/* The shim's log: lines in the form that the daemon's own log has, to the fifo `log` of the bundle. */
#ifndef LOG_H
#define LOG_H

#include "base.h"

struct log {
	int fd;
	bool debug;
	const char *namespace, *id;
};

/* Opens `log` in the current directory when it is there. Never blocks, not even without a reader. */
void log_open(struct log *l);
__attribute__((format(printf, 3, 4))) void log_write(struct log *l, const char *level, const char *fmt, ...);

#define log_error(s, ...) log_write(&(s)->log, "error", __VA_ARGS__)
#define log_warn(s, ...) log_write(&(s)->log, "warning", __VA_ARGS__)
#define log_info(s, ...) log_write(&(s)->log, "info", __VA_ARGS__)
#define log_debug(s, ...) log_write(&(s)->log, "debug", __VA_ARGS__)

#endif
