#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CHUNK 16384
#define TURNS 16 /* per wake-up, so that one chatty process cannot keep the loop for itself */

enum step { MOVED, WAIT_IN, WAIT_OUT, FINISHED };

static void finish(struct relay *r)
{
	if (r->done)
		return;
	r->done = true;
	source_watch(r->loop, &r->in, 0);
	source_watch(r->loop, &r->out, 0);
	close_fd(&r->in.fd);
	close_fd(&r->out.fd);
	free_ptr(&r->held);
	if (r->finished)
		r->finished(r, r->owner);
}

/* A sink that fails must not stop the process that writes to it: the rest is swallowed. */
static enum step sink_failed(struct relay *r)
{
	if (r->no_swallow)
		return FINISHED;
	source_watch(r->loop, &r->out, 0);
	close_fd(&r->out.fd);
	r->splice = false;
	free_ptr(&r->held);
	r->held_len = r->held_at = 0;
	return MOVED;
}

static bool empty(int fd)
{
	int n = 0;
	return ioctl(fd, FIONREAD, &n) == 0 && n == 0;
}

static enum step step_splice(struct relay *r)
{
	ssize_t n = splice(r->in.fd, NULL, r->out.fd, NULL, 65536, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n > 0 || (n < 0 && errno == EINTR))
		return MOVED;
	if (n == 0)
		return FINISHED;
	if (errno == EAGAIN) {
		if (!empty(r->in.fd))
			return WAIT_OUT;
		return r->ending ? FINISHED : WAIT_IN;
	}
	return sink_failed(r);
}

static enum step step_write(struct relay *r, const uint8_t *data, size_t len, size_t *written)
{
	while (*written < len) {
		ssize_t n = write(r->out.fd, data + *written, len - *written);
		if (n >= 0)
			*written += (size_t)n;
		else if (errno == EAGAIN)
			return WAIT_OUT;
		else if (errno != EINTR)
			return sink_failed(r);
	}
	return MOVED;
}

static enum step step_held(struct relay *r)
{
	enum step st = step_write(r, r->held, r->held_len, &r->held_at);
	if (st == MOVED) {
		free_ptr(&r->held);
		r->held_len = r->held_at = 0;
	}
	return st;
}

static enum step step_copy(struct relay *r)
{
	if (r->held)
		return step_held(r);
	uint8_t chunk[CHUNK];
	ssize_t n = read(r->in.fd, chunk, sizeof(chunk));
	if (n < 0 && errno == EINTR)
		return MOVED;
	if (n < 0 && errno == EAGAIN)
		return r->ending ? FINISHED : WAIT_IN;
	if (n <= 0) /* EIO is how a pty says that its last user has gone */
		return FINISHED;
	size_t written = 0;
	if (r->out.fd < 0 || step_write(r, chunk, (size_t)n, &written) == MOVED)
		return MOVED;
	r->held_len = (size_t)n - written;
	r->held_at = 0;
	r->held = xalloc(r->held_len);
	memcpy(r->held, chunk + written, r->held_len);
	return WAIT_OUT;
}

static void pump(struct relay *r)
{
	enum step st = MOVED;
	for (int i = 0; i < TURNS && st == MOVED; i++)
		st = r->splice ? step_splice(r) : step_copy(r);
	if (st == FINISHED) {
		finish(r);
	} else if (st == WAIT_OUT) {
		source_watch(r->loop, &r->in, 0);
		source_watch(r->loop, &r->out, EPOLLOUT);
	} else {
		source_watch(r->loop, &r->out, 0);
		source_watch(r->loop, &r->in, EPOLLIN);
	}
}

static void ready(struct source *src, uint32_t events)
{
	(void)events;
	pump(src->owner);
}

struct relay *relay_new(struct loop *l, int in, int out, bool splice, void (*finished)(struct relay *, void *),
			void *owner)
{
	struct relay *r = xalloc(sizeof(*r));
	r->loop = l;
	r->in = (struct source){ .fd = in, .ready = ready, .owner = r };
	r->out = (struct source){ .fd = out, .ready = ready, .owner = r };
	r->splice = splice && out >= 0;
	r->finished = finished;
	r->owner = owner;
	fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
	if (out >= 0)
		fcntl(out, F_SETFL, fcntl(out, F_GETFL) | O_NONBLOCK);
	return r;
}

void relay_begin(struct relay *r)
{
	if (!r->done)
		source_watch(r->loop, &r->in, EPOLLIN);
}

void relay_end(struct relay *r)
{
	if (r->done)
		return;
	r->ending = true;
	pump(r);
}

void relay_free(struct relay *r)
{
	if (!r)
		return;
	r->finished = NULL;
	finish(r);
	free(r);
}
