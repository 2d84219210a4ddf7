#include "log-outbox.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define LIMIT (1 << 20)
#define CONNECT_MS 10000
#define FIRST_DELAY_MS 500
#define LAST_DELAY_MS 30000
#define AT_ONCE 64
/* Sent messages are taken out of the queue when there are so many bytes of them. */
#define COMPACT (64 * 1024)

int outbox_options(struct outbox *o, struct log_options *options, struct err *e)
{
	const char *mode = log_option(options, "mode", "blocking");
	uint64_t limit;
	o->never_holds = strcmp(mode, "non-blocking") == 0;
	if (!o->never_holds && strcmp(mode, "blocking") != 0)
		return err_set(e, CODE_INVALID_ARGUMENT, "log option mode: %s is neither blocking nor non-blocking: invalid argument", mode);
	if (log_option_number(options, "max-buffer-size", 1, LIMIT, &limit, e) < 0)
		return -1;
	o->limit = limit;
	return 0;
}

static size_t waiting(const struct outbox *o)
{
	return o->queue.len - o->at;
}

bool outbox_empty(const struct outbox *o)
{
	return waiting(o) == 0;
}

/* Whoever is away is waited for only when that was asked for. */
bool outbox_full(const struct outbox *o)
{
	return !o->never_holds && (o->keeps || o->src.fd >= 0) && waiting(o) >= o->limit;
}

static void lose(struct outbox *o, const char *why)
{
	o->lost++;
	if (!o->told)
		log_error(o->sink->s, "lines are missing from now on in the log at %s: %s", o->to.text, why);
	o->told = true;
}

static void sent_again(struct outbox *o)
{
	if (o->told)
		log_warn(o->sink->s, "the log at %s is written again; %llu lines are missing", o->to.text, (unsigned long long)o->lost);
	o->told = false;
	o->lost = 0;
}

static uint32_t length_at(const struct outbox *o, size_t at)
{
	uint32_t len;
	memcpy(&len, o->queue.data + at, sizeof(len));
	return len;
}

static void hang_up(struct outbox *o)
{
	source_watch(o->sink->s->loop, &o->src, 0);
	close_fd(&o->src.fd);
	o->connecting = false;
	o->part = 0; /* a message that was cut is sent again as a whole */
}

/* Not before a while has passed, each time a longer one. */
static void connect_later(struct outbox *o)
{
	hang_up(o);
	if (o->retry.due || outbox_empty(o))
		return;
	timer_set(o->sink->s->loop, &o->retry, o->delay);
	o->delay = o->delay * 2 > LAST_DELAY_MS ? LAST_DELAY_MS : o->delay * 2;
}

static int start_connecting(struct outbox *o)
{
	o->src.fd = socket(o->to.at.ss_family, o->to.type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (o->src.fd < 0)
		return -1;
	if (connect(o->src.fd, (const struct sockaddr *)&o->to.at, o->to.len) == 0)
		return 0;
	o->connecting = errno == EINPROGRESS;
	return o->connecting ? 0 : -1;
}

static int connected(struct outbox *o)
{
	int why = 0;
	socklen_t len = sizeof(why);
	o->connecting = false;
	if (getsockopt(o->src.fd, SOL_SOCKET, SO_ERROR, &why, &len) < 0)
		return -1;
	errno = why;
	return why ? -1 : 0;
}

static void sent(struct outbox *o, size_t n)
{
	n += o->part;
	o->part = 0;
	while (n > 0) {
		uint32_t len = length_at(o, o->at);
		if (n < len) {
			o->part = n;
			break;
		}
		n -= len;
		o->at += sizeof(len) + len;
	}
	if (o->at == o->queue.len)
		buf_free(&o->queue);
	if (o->at == 0 || o->at < COMPACT || o->queue.len == 0) {
		o->at = o->queue.len ? o->at : 0;
		return;
	}
	memmove(o->queue.data, o->queue.data + o->at, o->queue.len - o->at);
	o->queue.len -= o->at;
	o->at = 0;
}

/* A stream takes many messages at once, a datagram holds one. */
static ssize_t send_some(struct outbox *o)
{
	struct iovec iov[AT_ONCE];
	size_t count = 0, max = o->to.type == SOCK_STREAM ? AT_ONCE : 1;
	for (size_t at = o->at; at < o->queue.len && count < max; count++) {
		uint32_t len = length_at(o, at);
		size_t skip = count == 0 ? o->part : 0;
		iov[count] = (struct iovec){ o->queue.data + at + sizeof(len) + skip, len - skip };
		at += sizeof(len) + len;
	}
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = count };
	return sendmsg(o->src.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_all(struct outbox *o)
{
	while (!outbox_empty(o) && o->src.fd >= 0) {
		ssize_t n = send_some(o);
		if (n >= 0) {
			o->delay = FIRST_DELAY_MS;
			sent_again(o);
			sent(o, (size_t)n);
		} else if (errno == EAGAIN) {
			break;
		} else if (o->to.type == SOCK_DGRAM) {
			bool once = errno == EMSGSIZE;
			lose(o, strerror(errno));
			sent(o, length_at(o, o->at));
			if (!once)
				connect_later(o);
		} else if (errno != EINTR) {
			connect_later(o);
		}
	}
	if (o->src.fd >= 0)
		source_watch(o->sink->s->loop, &o->src, outbox_empty(o) ? EPOLLRDHUP : EPOLLOUT | EPOLLRDHUP);
}

/* The driver's owner may go on, or come to an end. */
static void tell(const struct outbox *o, bool was_full)
{
	if ((was_full && !outbox_full(o)) || outbox_empty(o))
		o->sink->ready(o->sink->owner);
}

static void ready(struct source *src, uint32_t events)
{
	struct outbox *o = src->owner;
	bool was_full = outbox_full(o);
	bool gone = events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP);
	if (o->connecting ? connected(o) < 0 : gone)
		connect_later(o);
	else
		send_all(o);
	tell(o, was_full);
}

static void try_again(struct timer *t)
{
	struct outbox *o = t->owner;
	outbox_flush(o);
	tell(o, true);
}

void outbox_begin(struct outbox *o, struct log_sink *sink)
{
	o->sink = sink;
	o->src = (struct source){ .fd = -1, .ready = ready, .owner = o };
	o->retry = (struct timer){ .fire = try_again, .owner = o };
	o->delay = FIRST_DELAY_MS;
}

int outbox_connect(struct outbox *o, struct err *e)
{
	int rc = start_connecting(o);
	if (rc == 0 && o->connecting) {
		errno = ETIMEDOUT;
		rc = co_wait_fd(o->sink->s->loop, o->src.fd, EPOLLOUT, CONNECT_MS) ? connected(o) : -1;
	}
	if (rc < 0)
		return err_sys(e, "connect to %s", o->to.text);
	source_watch(o->sink->s->loop, &o->src, EPOLLRDHUP); /* what is sent to who has gone is lost */
	return 0;
}

void outbox_add(struct outbox *o, const void *message, size_t len)
{
	uint32_t n = (uint32_t)len;
	bool holds = !o->never_holds && (o->keeps || o->src.fd >= 0);
	if (!holds && waiting(o) >= o->limit) {
		lose(o, "too much waits for it");
		return;
	}
	buf_add(&o->queue, &n, sizeof(n));
	buf_add(&o->queue, message, len);
}

void outbox_flush(struct outbox *o)
{
	if (outbox_empty(o) || o->retry.due)
		return;
	if (o->src.fd < 0 && start_connecting(o) < 0)
		connect_later(o);
	else if (o->connecting)
		source_watch(o->sink->s->loop, &o->src, EPOLLOUT);
	else
		send_all(o);
}

static uint64_t count_waiting(const struct outbox *o)
{
	uint64_t n = 0;
	for (size_t at = o->at; at < o->queue.len; at += sizeof(uint32_t) + length_at(o, at))
		n++;
	return n;
}

void outbox_close(struct outbox *o)
{
	o->lost += count_waiting(o);
	if (o->lost)
		log_error(o->sink->s, "%llu lines are missing in the log at %s", (unsigned long long)o->lost, o->to.text);
	timer_clear(o->sink->s->loop, &o->retry);
	hang_up(o);
	buf_free(&o->queue);
}
