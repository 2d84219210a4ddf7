/* Shared by the io-*.c files only. */
#ifndef IO_PRIVATE_H
#define IO_PRIVATE_H

#include "feed.h"
#include "io.h"
#include "logger.h"
#include "relay.h"

struct io {
	struct shim *s;
	int hold[3]; /* other ends of the client's fifos */
	int master;  /* of the pty */
	struct relay *relay[3];
	int flowing; /* outputs that are not at their end */
	struct waitq drained;
	struct logger *logger;
	struct feed *feed;
};

struct io *io_new(struct shim *s);
void io_flow_out(struct io *io, int n, int from, int to, bool splice);
/* Output goes to the log, and input may come from who is attached. */
int io_feed(struct io *io, const struct uri *u, const struct stdio *std, const struct io_owner *who, struct err *e);
void io_flow_in(struct io *io, int from, int to, bool splice);

/* The client's stdin: an fd to read it from, and a writer held in io->hold[0]. */
int io_stdin_fifo(struct io *io, const char *path, int *from, struct err *e);
/* Where output n goes: an fd to write to; holds a reader when it is a fifo, and says so. */
int io_sink(struct io *io, int n, const struct uri *u, int *to, bool *fifo, struct err *e);

#endif
