#include "attach-private.h"
#include "socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More are not refused but wait to be let in. */
#define CLIENTS_MAX 256
#define ACCEPT_AGAIN_MS 100
/* For a client that is not waited for: more than a process's pipes and our own frame can hold. */
#define FORCED_BUFFER (4 << 20)

static bool behind(const struct client *c)
{
	return !c->deaf && c->sent < c->attach->held.len;
}

/* Sends from the frame; the client is deaf when it cannot be reached. */
static void send_rest(struct client *c, const uint8_t *frame, size_t len)
{
	while (!c->deaf && c->sent < len) {
		ssize_t n = send(c->src.fd, frame + c->sent, len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			c->sent += (size_t)n;
		else if (n < 0 && errno == EINTR)
			continue;
		else {
			c->deaf = errno != EAGAIN || c->attach->forced;
			return;
		}
	}
}

/* What a client has sent and nobody will read would make the kernel tell it of a reset connection instead of its end. */
static void drop(struct attach *a, struct client *c)
{
	uint8_t *scratch = loop_scratch(a->s->loop);
	source_watch(a->s->loop, &c->src, 0);
	shutdown(c->src.fd, SHUT_WR);
	for (int i = 0; i < 64 && recv(c->src.fd, scratch, LOOP_SCRATCH, MSG_DONTWAIT) > 0; i++)
		;
	close_fd(&c->src.fd);
	free(c);
	a->count--;
}

static bool finished(const struct attach *a, const struct client *c)
{
	return (c->hung && c->mute) || (a->ended && !behind(c));
}

static void sweep(struct attach *a)
{
	for (struct client **at = &a->clients; *at;) {
		struct client *c = *at;
		if (!finished(a, c)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		drop(a, c);
	}
}

/* Ends and failures are always told of, unless nothing is watched: what cannot be dealt with now must not be told of for ever. */
static void watch(struct client *c)
{
	const struct attach *a = c->attach;
	bool reads = !c->mute && input_open(a);
	uint32_t want = (reads ? EPOLLIN : 0u) | (behind(c) ? EPOLLOUT : 0u);
	source_watch(a->s->loop, &c->src, c->hung && !reads ? 0 : want | EPOLLERR);
}

static bool any_behind(const struct attach *a)
{
	for (const struct client *c = a->clients; c; c = c->next)
		if (behind(c))
			return true;
	return false;
}

void attach_settle(struct attach *a)
{
	bool was_busy = attach_busy(a);
	if (was_busy && !any_behind(a))
		buf_free(&a->held);
	input_settle(a);
	sweep(a);
	for (struct client *c = a->clients; c; c = c->next)
		watch(c);
	if (a->listener.fd >= 0 && !a->accept_again.due)
		source_watch(a->s->loop, &a->listener, a->count < CLIENTS_MAX ? EPOLLIN : 0);
	if (attach_done(a) ? !a->told : was_busy && !attach_busy(a)) {
		a->told = attach_done(a);
		a->owner.ready(a->owner.owner);
	}
}

static void client_ready(struct source *src, uint32_t events)
{
	struct client *c = src->owner;
	struct attach *a = c->attach;
	if (events & EPOLLOUT)
		send_rest(c, a->held.data, a->held.len);
	if (events & (EPOLLHUP | EPOLLERR))
		c->hung = c->deaf = true;
	if ((events & (EPOLLIN | EPOLLHUP)) && !c->mute && input_open(a))
		client_read(c);
	attach_settle(a);
}

static void let_in(struct attach *a, int fd)
{
	struct client *c = xalloc(sizeof(*c));
	c->attach = a;
	c->sent = a->held.len; /* begins with the next one */
	c->src = (struct source){ .fd = fd, .ready = client_ready, .owner = c };
	c->next = a->clients;
	a->clients = c;
	a->count++;
	if (a->forced)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &(int){ FORCED_BUFFER }, sizeof(int));
}

static void accept_again(struct timer *t)
{
	attach_settle(t->owner);
}

static void accept_clients(struct source *src, uint32_t events)
{
	struct attach *a = src->owner;
	(void)events;
	while (a->count < CLIENTS_MAX) {
		int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			source_watch(a->s->loop, src, 0); /* no descriptors: not to be asked again at once */
			timer_set(a->s->loop, &a->accept_again, ACCEPT_AGAIN_MS);
		}
		if (fd < 0)
			break;
		let_in(a, fd);
	}
	attach_settle(a);
}

struct attach *attach_listen(struct shim *s, const char *path, struct attach_owner owner, struct err *e)
{
	int fd = socket_listen(path, e);
	if (fd < 0)
		return NULL;
	struct attach *a = xalloc(sizeof(*a));
	a->s = s;
	a->path = xstrdup(path);
	a->owner = owner;
	a->in.fd = -1;
	a->listener = (struct source){ .fd = fd, .ready = accept_clients, .owner = a };
	a->accept_again = (struct timer){ .fire = accept_again, .owner = a };
	source_watch(s->loop, &a->listener, EPOLLIN);
	return a;
}

void attach_send(struct attach *a, int stream, uint8_t *frame, size_t len)
{
	size_t whole = len + ATTACH_HEADER;
	bool kept = false;
	attach_header(frame, stream, len);
	for (struct client *c = a->clients; c; c = c->next) {
		c->sent = 0;
		send_rest(c, frame, whole);
		kept = kept || (!c->deaf && c->sent < whole);
	}
	if (!kept)
		return;
	buf_add(&a->held, frame, whole);
	for (struct client *c = a->clients; c; c = c->next)
		watch(c);
}

bool attach_busy(const struct attach *a)
{
	return a->held.len > 0;
}

void attach_force(struct attach *a)
{
	a->forced = true;
	for (struct client *c = a->clients; c; c = c->next) {
		setsockopt(c->src.fd, SOL_SOCKET, SO_SNDBUFFORCE, &(int){ FORCED_BUFFER }, sizeof(int));
		send_rest(c, a->held.data, a->held.len);
	}
	attach_settle(a);
}

static void stop_listening(struct attach *a)
{
	if (a->listener.fd < 0)
		return;
	timer_clear(a->s->loop, &a->accept_again);
	source_watch(a->s->loop, &a->listener, 0);
	close_fd(&a->listener.fd);
	unlink(a->path);
}

void attach_end(struct attach *a)
{
	if (a->listener.fd >= 0)
		accept_clients(&a->listener, 0); /* who came in time has an end, not a failure */
	stop_listening(a);
	a->ended = true;
	attach_settle(a);
}

bool attach_done(const struct attach *a)
{
	return a->ended && !a->clients;
}

void attach_free(struct attach *a)
{
	if (!a)
		return;
	a->told = true;
	stop_listening(a);
	while (a->clients) {
		struct client *c = a->clients;
		a->clients = c->next;
		drop(a, c);
	}
	source_watch(a->s->loop, &a->in, 0);
	close_fd(&a->in.fd);
	buf_free(&a->input);
	buf_free(&a->held);
	free(a->path);
	free(a);
}
