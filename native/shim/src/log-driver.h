/* Where a process's lines go when the shim writes its log itself (log://<driver>?<option>=<value>&…).
 *
 * A driver is given lines in batches, one batch per read of the process's output: begin, add for each
 * line, flush. None of these waits. One that cannot take more says so with `busy`, and calls `ready`
 * when it can; meanwhile the process's output is not read. */
#ifndef LOG_DRIVER_H
#define LOG_DRIVER_H

#include "shim.h"
#include "uri.h"

/* What a line of the log may hold, as in docker: a longer one is cut into parts. */
#define LOG_LINE_MAX 16384

struct log_line {
	int stream; /* 1 or 2 */
	struct bytes text; /* without its newline */
	struct timespec at;
	uint64_t part; /* 0: a line of its own; otherwise which of the parts, from 1 */
	bool last;     /* its newline was seen */
	const char *id; /* of the line whose part this is */
};

/* The options of the URI. Each must be asked for: one that no driver knows is an error. */
struct log_options {
	const struct uri *uri;
	const char *container; /* full id */
	uint64_t asked; /* a bit for each */
};

struct log_driver;

struct log_sink {
	const struct log_driver *driver;
	struct shim *s;
	void (*ready)(void *owner); /* may be called from the loop at any time after `busy` was true */
	void *owner;
};

struct log_driver {
	const char *name;
	struct log_sink *(*open)(struct shim *s, struct log_options *o, struct err *e);
	/* `room` is memory for the driver until flush, LOG_ROOM bytes. */
	void (*begin)(struct log_sink *k, uint8_t *room);
	void (*add)(struct log_sink *k, const struct log_line *line);
	void (*flush)(struct log_sink *k);
	bool (*busy)(const struct log_sink *k);
	/* After the last line: true when all has been handed on; otherwise `ready` will be called. */
	bool (*settled)(const struct log_sink *k);
	void (*close)(struct log_sink *k); /* frees; what has not been handed on is lost, and counted */
};

/* More than one line can need, in every driver. */
#define LOG_ROOM (256 * 1024)

struct log_sink *log_open_sink(struct shim *s, struct log_options *o, struct err *e);

/* The value of an option, or `otherwise` (which may be NULL). */
const char *log_option(struct log_options *o, const char *name, const char *otherwise);
/* A number from `min` on. */
int log_option_number(struct log_options *o, const char *name, uint64_t min, uint64_t otherwise, uint64_t *out, struct err *e);
int log_option_bool(struct log_options *o, const char *name, bool *out, struct err *e);

extern const struct log_driver log_json_file, log_journald, log_syslog, log_fluentd;

#endif
