/* A socket at which clients follow a process's output and feed its input. The frames are in attach-frame.h.
 *
 * All clients get the same frames. One that is behind holds up the process's output, so that there is
 * never more than one frame to keep, however many clients there are. */
#ifndef ATTACH_H
#define ATTACH_H

#include "attach-frame.h"
#include "shim.h"

struct attach;

struct attach_owner {
	void (*ready)(void *owner); /* output can be given again; or, after attach_end, all is done */
	void *owner;
};

/* Listens at `path`, which only we and root may use. */
struct attach *attach_listen(struct shim *s, const char *path, struct attach_owner owner, struct err *e);
/* The process's stdin, which is taken. `once`: the first client that ends its input ends this. */
void attach_input(struct attach *a, int fd, bool once);
/* What clients have sent so far is passed on, then the process's stdin ends. */
void attach_input_end(struct attach *a);
/* The process has gone: nobody reads its stdin any more. */
void attach_input_gone(struct attach *a);
/* Gives `len` bytes of output, before which are ATTACH_HEADER bytes to be written over. Not while busy. */
void attach_send(struct attach *a, int stream, uint8_t *frame, size_t len);
bool attach_busy(const struct attach *a);
/* From now on nobody is waited for: the kernel keeps what clients have not read yet, or they are dropped. */
void attach_force(struct attach *a);
/* There is no more output: nobody may come any more, and clients are let go when they have everything. */
void attach_end(struct attach *a);
bool attach_done(const struct attach *a);
/* Also removes the socket. */
void attach_free(struct attach *a);


#endif
