/* Cuts what a process writes into lines for its log, where docker cuts it. */
#ifndef LOG_LINES_H
#define LOG_LINES_H

#include "log-driver.h"

/* One stream. All zero but `stream` is the beginning. */
struct log_lines {
	int stream;
	struct buf held; /* a line that has not ended */
	uint64_t parts;  /* of this line that were handed on */
	struct timespec began; /* the first part: all have its time */
	char id[33];
};

typedef void (*log_line_fn)(void *to, const struct log_line *line);

/* Hands on all lines that are whole, and parts of those that are too long. */
void log_lines_add(struct log_lines *l, struct bytes data, struct timespec now, log_line_fn fn, void *to);
/* The end of the stream: the last line may have no newline. */
void log_lines_end(struct log_lines *l, struct timespec now, log_line_fn fn, void *to);

#endif
