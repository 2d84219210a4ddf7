#include "service.h"

#include "frame.h"
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client that does not read its answers is cut off when this much has piled up. */
#define BACKLOG_MAX (16u << 20)
/* Requests of one connection under way; more stay in the socket. */
#define CALLS_MAX 1024

struct conn {
	struct conn *next;
	struct shim *s;
	struct source src;
	struct frame_reader in;
	struct buf out;
	size_t sent;
	uint32_t last_stream;
	int calls; /* not answered yet; they keep the memory */
	bool closed;
};

static void conn_free(struct conn *c)
{
	if (!c->closed || c->calls > 0)
		return;
	free(c);
}

static void conn_close(struct conn *c)
{
	if (c->closed)
		return;
	c->closed = true;
	waits_drop(c->s, c);
	sandbox_drop(c->s, c);
	source_watch(c->s->loop, &c->src, 0);
	close_fd(&c->src.fd);
	frame_next(&c->in);
	buf_free(&c->out);
	for (struct conn **at = &c->s->conns; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
}

static void conn_watch(struct conn *c)
{
	uint32_t want = c->calls < CALLS_MAX ? EPOLLIN : EPOLLRDHUP;
	if (!c->closed)
		source_watch(c->s->loop, &c->src, want | (c->out.len ? EPOLLOUT : 0));
}

static void conn_flush(struct conn *c)
{
	while (!c->closed && c->sent < c->out.len) {
		ssize_t n = send(c->src.fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			c->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			conn_watch(c);
			return;
		} else if (errno != EINTR) {
			conn_close(c);
			return;
		}
	}
	buf_free(&c->out);
	c->sent = 0;
	conn_watch(c);
}

static void respond(struct conn *c, uint32_t stream, const struct err *e, const struct buf *reply)
{
	AUTO_BUF body = { 0 };
	if (c->closed)
		return;
	if (e) {
		struct buf st = { 0 };
		pb_u64(&st, 1, (uint64_t)e->code);
		pb_str(&st, 2, e->msg);
		pb_msg(&body, 1, &st);
	} else {
		pb_bytes(&body, 2, reply->data, reply->len);
	}
	frame_add(&c->out, stream, FRAME_RESPONSE, &body);
	if (c->out.len - c->sent > BACKLOG_MAX)
		conn_close(c);
	else
		conn_flush(c);
}

void call_drop(struct call *call)
{
	call->conn->calls--;
	request_free(&call->req);
	free(call);
}

static void call_end(struct call *call, const struct err *e, const struct buf *reply)
{
	struct conn *c = call->conn;
	c->calls--;
	respond(c, call->stream, e, reply);
	conn_watch(c);
	conn_free(c);
	request_free(&call->req);
	free(call);
}

void call_answer(struct call *call, const struct buf *reply)
{
	call_end(call, NULL, reply);
}

void call_fail(struct call *call, const struct err *e)
{
	log_debug(call->s, "%s %s: %s", call->method->name, call->req.id, e->msg);
	call_end(call, e, NULL);
}

static void run(void *arg)
{
	struct call *call = arg;
	AUTO_BUF reply = { 0 };
	struct err e = { 0 };
	if (call->deadline)
		co_set_deadline(call->s->loop, call->deadline);
	switch (call->method->handle(call->s, call, &reply, &e)) {
	case ANSWER:
		call_answer(call, &reply);
		break;
	case FAILED:
		call_fail(call, &e);
		break;
	case LATER:
		break;
	}
}

struct rpc {
	struct bytes service, method, payload;
	uint64_t timeout; /* nanoseconds */
};

static bool parse_rpc(struct bytes body, struct rpc *rpc)
{
	struct pb_reader r = pb_read(body);
	struct pb_field f;
	*rpc = (struct rpc){ 0 };
	while (pb_next(&r, &f)) {
		if (f.type == PB_VARINT && f.number == 4)
			rpc->timeout = f.value;
		if (f.type != PB_LEN)
			continue;
		if (f.number == 1)
			rpc->service = f.bytes;
		if (f.number == 2)
			rpc->method = f.bytes;
		if (f.number == 3)
			rpc->payload = f.bytes;
	}
	return !r.bad;
}

static void unknown(const char *what, struct bytes name, struct err *e)
{
	int n = name.len > 128 ? 128 : (int)name.len;
	err_set(e, CODE_UNIMPLEMENTED, "%s %.*s", what, n, n ? (const char *)name.data : "");
}

static const struct method *find_method(const struct rpc *rpc, struct err *e)
{
	bool task = bytes_equal(rpc->service, "containerd.task.v2.Task") || bytes_equal(rpc->service, "containerd.task.v3.Task");
	if (!task && !bytes_equal(rpc->service, "containerd.runtime.sandbox.v1.Sandbox")) {
		unknown("service", rpc->service, e);
		return NULL;
	}
	const struct method *m = task ? task_method(rpc->method) : sandbox_method(rpc->method);
	if (!m)
		unknown("method", rpc->method, e);
	return m;
}

static void request(struct conn *c, uint32_t stream, struct bytes body)
{
	struct err e = { 0 };
	struct rpc rpc;
	if (!parse_rpc(body, &rpc)) {
		err_set(&e, CODE_INVALID_ARGUMENT, "malformed ttrpc request: invalid argument");
		respond(c, stream, &e, NULL);
		return;
	}
	const struct method *m = find_method(&rpc, &e);
	if (!m) {
		respond(c, stream, &e, NULL);
		return;
	}
	struct call *call = xalloc(sizeof(*call));
	*call = (struct call){ .s = c->s, .conn = c, .stream = stream, .method = m };
	if (rpc.timeout && rpc.timeout < INT64_MAX)
		call->deadline = loop_now() + rpc.timeout / 1000000 + 1;
	c->calls++;
	if (request_decode(&call->req, m->fields, rpc.payload, &e) < 0) {
		call_fail(call, &e);
		return;
	}
	if (!m->waits) {
		run(call);
	} else if (!co_start(c->s->loop, run, call)) {
		err_set(&e, CODE_RESOURCE_EXHAUSTED, "no memory for another request: resource exhausted");
		call_fail(call, &e);
	}
}

static void frame_arrived(struct conn *c)
{
	struct frame f = c->in.frame;
	struct err e = { 0 };
	if (c->in.too_long)
		err_set(&e, CODE_RESOURCE_EXHAUSTED, "message length %u exceed maximum message size of %u", f.length, FRAME_MAX);
	else if (f.type != FRAME_REQUEST)
		return; /* streams are not used by this service */
	else if (f.stream % 2 != 1)
		err_set(&e, CODE_INVALID_ARGUMENT, "StreamID must be odd for client initiated streams");
	else if (f.stream <= c->last_stream)
		err_set(&e, CODE_INVALID_ARGUMENT, "StreamID cannot be re-used and must increment");
	if (e.code) {
		respond(c, f.stream, &e, NULL);
		return;
	}
	c->last_stream = f.stream;
	request(c, f.stream, (struct bytes){ c->in.body, f.length });
}

static void conn_ready(struct source *src, uint32_t events)
{
	struct conn *c = src->owner;
	c->calls++; /* not freed while we are here */
	if (events & EPOLLOUT)
		conn_flush(c);
	while (!c->closed && c->calls <= CALLS_MAX) {
		enum frame_result fr = frame_read(&c->in, c->src.fd);
		if (fr == FRAME_CLOSED)
			conn_close(c);
		if (fr != FRAME_READY)
			break;
		frame_arrived(c);
		if (!c->closed)
			frame_next(&c->in);
	}
	if (!c->closed && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) && c->calls > CALLS_MAX)
		conn_close(c);
	c->calls--;
	conn_watch(c);
	conn_free(c);
}

static void accept_one(struct source *src, uint32_t events)
{
	struct shim *s = src->owner;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	(void)events;
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != geteuid()) {
		log_warn(s, "refused a connection of user %u", (unsigned)peer.uid);
		close(fd);
		return;
	}
	struct conn *c = xalloc(sizeof(*c));
	*c = (struct conn){ .s = s, .next = s->conns };
	c->src = (struct source){ .fd = fd, .ready = conn_ready, .owner = c };
	s->conns = c;
	conn_watch(c);
}

void service_listen(struct shim *s, int fd)
{
	s->listener = (struct source){ .fd = fd, .ready = accept_one, .owner = s };
	source_watch(s->loop, &s->listener, EPOLLIN);
}
