/* Standard input and output of one process.
 *
 *   stdin   fifo -> pipe, spliced by the shim, so that CloseIO can end it although the fifo still has writers
 *   stdout  the fifo itself: the shim never sees the bytes
 *   stderr  pipe -> fifo, spliced, because runc writes its own errors to it before there is a process;
 *           the fifo itself when it is the same as that of stdout
 *   file:// and plain files: pipe -> file, copied, so that a container cannot truncate its own log
 *   binary://: the pipes' other ends belong to the logger
 *   log://: pipes, read by the shim, which writes the log and serves who is attached (feed.h)
 *   terminal: pty <-> fifos, copied with bounded buffers
 *
 * A fifo's other end is held open until the process is deleted: a client may go and come back. */
#ifndef IO_H
#define IO_H

#include "shim.h"

struct stdio {
	char *in, *out, *err; /* paths or URIs; "" is none */
	bool terminal;
};

struct io_owner {
	const char *id; /* what a logger is told */
	const char *bundle; /* where the path of a socket to attach to is noted; NULL: no attaching */
	uint32_t uid, gid;
};

struct io;

/* Opens what the process gets as fds 0 to 2 (-1: /dev/null); close them with io_started. In a
   coroutine. */
int io_open(struct shim *s, struct io **out, const struct stdio *std, const struct io_owner *who, int fds[3],
	    struct err *e);
/* Takes the pty's master and starts to copy. In a coroutine. */
int io_open_terminal(struct shim *s, struct io **out, const struct stdio *std, const struct io_owner *who,
		     int master, struct err *e);
/* Closes the process's ends. Output flows from now on; after a failure it is thrown away, since it can
   only be what the runtime said, which is in the error. */
void io_started(struct io *io, int fds[3], bool ok);
/* The process is gone: nobody reads its stdin any more. */
void io_exited(struct shim *s, struct io *io);
/* Passes on what is in the fifo, then ends the process's stdin. */
void io_close_stdin(struct shim *s, struct io *io);
int io_resize(struct io *io, unsigned width, unsigned height, struct err *e);
/* Waits until all output has reached its destination, or `ms`. In a coroutine. */
bool io_drain(struct shim *s, struct io *io, int ms);
/* Closes everything and ends the logger. In a coroutine, after which only io_free may be called. */
void io_close(struct shim *s, struct io *io);
void io_free(struct io *io);
void stdio_free(struct stdio *std);

#endif
