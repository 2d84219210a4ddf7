#include "publisher.h"

#include "child.h"
#include "frame.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_MAX 2048
#define REPLY_MS 5000
#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 5000
#define REFUSALS_MAX 5 /* of one event by a daemon that answers: then it is dropped */

struct event {
	struct event *next;
	char *topic;
	struct buf any;  /* the event as an Any, for the command */
	struct buf body; /* the Request */
	int refused;
};

struct publisher {
	struct shim *s;
	char *ttrpc, *grpc, *binary;
	struct event *first, **last;
	int count;
	struct source src; /* the connection; fd -1: none */
	uint32_t stream;
	bool waiting;      /* for the answer to the first event */
	size_t sent;       /* of `out` */
	struct buf out;
	struct frame_reader in;
	struct timer timer; /* next try, or patience with an answer */
	unsigned delay;
	bool command_running;
	struct waitq empty;
};

static void advance(struct publisher *p);

static void drop_first(struct publisher *p)
{
	struct event *ev = p->first;
	p->first = ev->next;
	if (!p->first) {
		p->last = &p->first;
		waitq_wake(p->s->loop, &p->empty);
	}
	p->count--;
	free(ev->topic);
	buf_free(&ev->any);
	buf_free(&ev->body);
	free(ev);
}

static void disconnect(struct publisher *p)
{
	source_watch(p->s->loop, &p->src, 0);
	close_fd(&p->src.fd);
	timer_clear(p->s->loop, &p->timer);
	frame_next(&p->in);
	buf_free(&p->out);
	p->waiting = false;
}

static void retry_later(struct publisher *p)
{
	disconnect(p);
	if (!p->first)
		return;
	timer_set(p->s->loop, &p->timer, p->delay);
	p->delay = p->delay * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : p->delay * 2;
}

static bool connect_now(struct publisher *p)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (strlen(p->ttrpc) >= sizeof(to.sun_path))
		return false;
	strcpy(to.sun_path, p->ttrpc);
	p->src.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->src.fd < 0 || connect(p->src.fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close_fd(&p->src.fd);
		return false;
	}
	p->stream = 1;
	return source_watch(p->s->loop, &p->src, EPOLLIN);
}

static void flush(struct publisher *p)
{
	while (p->sent < p->out.len) {
		ssize_t n = send(p->src.fd, p->out.data + p->sent, p->out.len - p->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			p->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			source_watch(p->s->loop, &p->src, EPOLLIN | EPOLLOUT);
			return;
		} else if (errno != EINTR) {
			retry_later(p);
			return;
		}
	}
	buf_free(&p->out);
	source_watch(p->s->loop, &p->src, EPOLLIN);
}

static void send_first(struct publisher *p)
{
	p->waiting = true;
	p->sent = 0;
	frame_add(&p->out, p->stream, FRAME_REQUEST, &p->first->body);
	timer_set(p->s->loop, &p->timer, REPLY_MS);
	flush(p);
}

/* The code of a Response's status. */
static uint64_t answer_code(struct bytes body)
{
	struct pb_reader r = pb_read(body);
	struct pb_field f, g;
	uint64_t code = 0;
	while (pb_next(&r, &f))
		if (f.number == 1 && f.type == PB_LEN) {
			struct pb_reader st = pb_read(f.bytes);
			while (pb_next(&st, &g))
				if (g.number == 1)
					code = g.value;
		}
	return r.bad ? CODE_INTERNAL : code;
}

static void answered(struct publisher *p, uint64_t code)
{
	timer_clear(p->s->loop, &p->timer);
	p->waiting = false;
	p->stream += 2;
	if (code == 0) {
		p->delay = RETRY_FIRST_MS;
		drop_first(p);
	} else if (++p->first->refused >= REFUSALS_MAX) {
		log_error(p->s, "evicting %s from queue: refused with code %d", p->first->topic, (int)code);
		drop_first(p);
	} else {
		retry_later(p);
		return;
	}
	advance(p);
}

static void readable(struct source *src, uint32_t events)
{
	struct publisher *p = src->owner;
	if (events & EPOLLOUT)
		flush(p);
	while (p->src.fd >= 0) {
		enum frame_result fr = frame_read(&p->in, p->src.fd);
		if (fr == FRAME_AGAIN)
			return;
		if (fr == FRAME_CLOSED) {
			retry_later(p);
			return;
		}
		bool ours = p->waiting && p->in.frame.type == FRAME_RESPONSE && p->in.frame.stream == p->stream;
		uint64_t code = answer_code((struct bytes){ p->in.body, p->in.too_long ? 0 : p->in.frame.length });
		frame_next(&p->in);
		if (ours)
			answered(p, code);
	}
}

static void run_command(void *arg)
{
	struct publisher *p = arg;
	struct err e = { 0 };
	while (p->first) {
		AUTO_FD in = memfd_create("event", MFD_CLOEXEC);
		struct event *ev = p->first;
		if (in < 0 || pwrite(in, ev->any.data, ev->any.len, 0) < 0)
			log_error(p->s, "cannot pass on event %s", ev->topic);
		const char *argv[] = { p->binary, "--address", p->grpc, "publish", "--topic", ev->topic,
				       "--namespace", p->s->namespace, NULL };
		struct spawn sp = { .argv = argv, .fds = { in, -1, -1, -1, -1, -1 } };
		struct child c;
		if (child_spawn(p->s, &c, &sp, &e) < 0)
			log_error(p->s, "publish %s: %s", ev->topic, e.msg);
		else if (child_wait(p->s, &c, -1) && c.status != 0)
			log_error(p->s, "publish %s: %s failed with status %d", ev->topic, p->binary, c.status);
		drop_first(p);
	}
	p->command_running = false;
}

static void advance(struct publisher *p)
{
	if (!p->first || p->waiting || p->command_running)
		return;
	if (!*p->ttrpc) {
		p->command_running = co_start(p->s->loop, run_command, p);
		return;
	}
	if (p->src.fd < 0 && !connect_now(p)) {
		retry_later(p);
		return;
	}
	send_first(p);
}

static void timer_fired(struct timer *t)
{
	struct publisher *p = t->owner;
	if (p->waiting) {
		log_warn(p->s, "the daemon did not take event %s in time", p->first->topic);
		retry_later(p);
		return;
	}
	advance(p);
}

static void build(struct publisher *p, struct event *ev, const char *type_url, const struct buf *message)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct buf envelope = { 0 }, forward = { 0 }, meta = { 0 };
	pb_str(&ev->any, 1, type_url);
	pb_bytes(&ev->any, 2, message->data, message->len);
	pb_time(&envelope, 1, now);
	pb_str(&envelope, 2, p->s->namespace);
	pb_str(&envelope, 3, ev->topic);
	pb_any(&envelope, 4, type_url, message->data, message->len);
	pb_msg(&forward, 1, &envelope);
	pb_str(&ev->body, 1, "containerd.services.events.ttrpc.v1.Events");
	pb_str(&ev->body, 2, "Forward");
	pb_msg(&ev->body, 3, &forward);
	pb_u64(&ev->body, 4, REPLY_MS * 1000000ull);
	pb_str(&meta, 1, "containerd-namespace-ttrpc");
	pb_str(&meta, 2, p->s->namespace);
	pb_msg(&ev->body, 5, &meta);
}

struct publisher *publisher_new(struct shim *s, const char *ttrpc, const char *grpc, const char *binary)
{
	struct publisher *p = xalloc(sizeof(*p));
	p->s = s;
	p->ttrpc = xstrdup(ttrpc);
	p->grpc = xstrdup(grpc);
	p->binary = xstrdup(binary);
	p->last = &p->first;
	p->src = (struct source){ .fd = -1, .ready = readable, .owner = p };
	p->timer = (struct timer){ .fire = timer_fired, .owner = p };
	p->delay = RETRY_FIRST_MS;
	return p;
}

void publisher_send(struct publisher *p, const char *topic, const char *type_url, const struct buf *message)
{
	struct event *ev = xalloc(sizeof(*ev));
	ev->topic = xstrdup(topic);
	build(p, ev, type_url, message);
	*p->last = ev;
	p->last = &ev->next;
	if (++p->count > QUEUE_MAX && !p->waiting && !p->command_running) {
		log_error(p->s, "evicting %s from queue: the daemon has been away for too long", p->first->topic);
		drop_first(p);
	}
	if (!p->timer.due)
		timer_set(p->s->loop, &p->timer, 0); /* answers go out first: somebody waits for those */
}

bool publisher_flush(struct publisher *p, int ms)
{
	return !p->first || waitq_wait(p->s->loop, &p->empty, ms);
}
