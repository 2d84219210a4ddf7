#include "attach-private.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 65536

static void close_input(struct attach *a)
{
	source_watch(a->s->loop, &a->in, 0);
	close_fd(&a->in.fd);
	buf_free(&a->input);
	a->input_at = 0;
}

bool input_open(const struct attach *a)
{
	return a->input.len == 0;
}

/* Without a process that reads, input is thrown away. */
static size_t give(struct attach *a, const uint8_t *data, size_t len)
{
	size_t given = 0;
	while (a->in.fd >= 0 && given < len) {
		ssize_t n = write(a->in.fd, data + given, len - given);
		if (n >= 0)
			given += (size_t)n;
		else if (errno == EAGAIN)
			return given;
		else if (errno != EINTR)
			close_input(a);
	}
	return len;
}

static void piece(void *to, int kind, struct bytes data)
{
	struct client *c = to;
	struct attach *a = c->attach;
	c->gives = true;
	if (kind == ATTACH_INPUT_END) {
		c->mute = true;
		return;
	}
	size_t given = a->input.len || c->mute || data.len == 0 ? 0 : give(a, data.data, data.len);
	if (a->in.fd >= 0 && !c->mute)
		buf_add(&a->input, data.data + given, data.len - given);
}

/* The first end of input, of whatever kind, is the process's when it is to be read once. */
static void client_input_over(struct client *c)
{
	c->mute = true;
	if (c->gives && c->attach->once)
		c->attach->input_ending = true;
	c->gives = false;
}

void client_read(struct client *c)
{
	uint8_t *chunk = loop_scratch(c->attach->s->loop);
	ssize_t n = recv(c->src.fd, chunk, CHUNK, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && attach_read(&c->reader, (struct bytes){ chunk, (size_t)n }, piece, c)) {
		if (c->mute)
			client_input_over(c);
		return;
	}
	if (n != 0)
		c->hung = c->deaf = true; /* not one of ours */
	client_input_over(c);
}

static void end_if_given(struct attach *a)
{
	if (a->input_ending && a->input.len == 0)
		close_input(a);
}

static void stdin_ready(struct source *src, uint32_t events)
{
	struct attach *a = src->owner;
	(void)events;
	a->input_at += give(a, a->input.data + a->input_at, a->input.len - a->input_at);
	if (a->in.fd < 0 || a->input_at == a->input.len) {
		buf_free(&a->input);
		a->input_at = 0;
	}
	attach_settle(a);
}

/* Watches for room when there is something to write, and ends what is to end. */
void input_settle(struct attach *a)
{
	end_if_given(a);
	if (a->in.fd >= 0)
		source_watch(a->s->loop, &a->in, a->input.len ? EPOLLOUT : 0);
}

void attach_input(struct attach *a, int fd, bool once)
{
	a->in = (struct source){ .fd = fd, .ready = stdin_ready, .owner = a };
	a->once = once;
}

void attach_input_end(struct attach *a)
{
	for (struct client *c = a->clients; c; c = c->next)
		for (int i = 0; i < 64 && !c->mute && input_open(a); i++)
			client_read(c);
	a->input_ending = true;
	attach_settle(a);
}

void attach_input_gone(struct attach *a)
{
	close_input(a);
	attach_settle(a);
}
