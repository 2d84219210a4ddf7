#include "feed.h"

#include "attach.h"
#include "file.h"
#include "log-lines.h"
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Within the loop's scratch: a frame with its header, then the driver's room. */
#define CHUNK 65536
#define ROOM_AT (LOOP_SCRATCH - LOG_ROOM)
#define TURNS 16 /* per wake-up, so that one chatty process cannot keep the loop for itself */

struct stream {
	struct feed *feed;
	struct source src;
	struct log_lines lines;
};

struct feed {
	struct shim *s;
	struct stream stream[2];
	struct log_sink *log;
	struct attach *attach; /* NULL without */
	char *note;
	bool takes_input, once;
	bool begun, exited, forced, ended, finished;
	void (*done)(void *owner);
	void *owner;
};

static bool held_up(const struct feed *f)
{
	if (f->attach && attach_busy(f->attach))
		return true;
	return !f->forced && f->log->driver->busy && f->log->driver->busy(f->log);
}

static void log_line(void *to, const struct log_line *line)
{
	struct log_sink *k = to;
	if (k->driver->add)
		k->driver->add(k, line);
}

/* `data` of none: the end of the stream. */
static void log_data(struct stream *st, struct bytes data)
{
	struct log_sink *k = st->feed->log;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (!k->driver->add)
		return;
	k->driver->begin(k, loop_scratch(st->feed->s->loop) + ROOM_AT);
	if (data.data)
		log_lines_add(&st->lines, data, now, log_line, k);
	else
		log_lines_end(&st->lines, now, log_line, k);
	k->driver->flush(k);
}

static bool log_settled(const struct feed *f)
{
	return !f->log->driver->settled || f->log->driver->settled(f->log);
}

/* Once nothing is left to read and the process has gone. */
static void look_for_end(struct feed *f)
{
	if (f->finished || !f->begun || f->stream[0].src.fd >= 0 || f->stream[1].src.fd >= 0 || held_up(f))
		return;
	if (f->attach && !f->exited)
		return;
	if (f->attach && !f->ended) {
		f->ended = true;
		attach_end(f->attach);
	}
	if (f->finished || (f->attach && !attach_done(f->attach)) || !log_settled(f))
		return;
	f->finished = true;
	f->done(f->owner);
}

static void end_stream(struct stream *st)
{
	source_watch(st->feed->s->loop, &st->src, 0);
	close_fd(&st->src.fd);
	log_data(st, (struct bytes){ 0 });
}

/* False when there is nothing to read now, or never again. */
static bool step(struct stream *st)
{
	struct feed *f = st->feed;
	uint8_t *frame = loop_scratch(f->s->loop), *data = frame + ATTACH_HEADER;
	ssize_t n = read(st->src.fd, data, CHUNK);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return errno == EINTR;
	if (n <= 0) { /* EIO is how a pty says that its last user has gone */
		end_stream(st);
		return false;
	}
	log_data(st, (struct bytes){ data, (size_t)n });
	if (f->attach)
		attach_send(f->attach, st->lines.stream, frame, (size_t)n);
	return n == CHUNK || f->exited;
}

static void pump(struct stream *st)
{
	struct feed *f = st->feed;
	if (st->src.fd < 0)
		return;
	/* Of a process that has gone all is read: a pipe can be made to hold 1 MiB. */
	int turns = f->exited ? 4 * TURNS : TURNS;
	for (int i = 0; i < turns && !held_up(f) && step(st); i++)
		;
	if (st->src.fd >= 0)
		source_watch(f->s->loop, &st->src, held_up(f) ? 0 : EPOLLIN);
	look_for_end(f);
}

static void readable(struct source *src, uint32_t events)
{
	(void)events;
	pump(src->owner);
}

/* The log or who is attached can take more. */
static void ready(void *owner)
{
	struct feed *f = owner;
	if (!f->begun)
		return;
	for (int i = 0; i < 2; i++)
		if (f->stream[i].src.fd >= 0)
			source_watch(f->s->loop, &f->stream[i].src, held_up(f) ? 0 : EPOLLIN);
	look_for_end(f);
}

static int open_attach(struct feed *f, const struct feed_options *o, const char *path, struct err *e)
{
	if (o->stdin_path && strcmp(path, o->stdin_path) != 0)
		return err_set(e, CODE_INVALID_ARGUMENT, "attach://%s: not where the output is attached: invalid argument", o->stdin_path);
	if (!*path)
		return 0;
	if (!o->note)
		return err_set(e, CODE_INVALID_ARGUMENT, "attach %s: not for this process: invalid argument", path);
	f->note = xstrdup(o->note);
	if (file_write(f->note, path, strlen(path), 0600) < 0)
		return err_sys(e, "write %s", f->note);
	f->attach = attach_listen(f->s, path, (struct attach_owner){ ready, f }, e);
	f->takes_input = o->stdin_path != NULL;
	return f->attach ? 0 : -1;
}

static int open_all(struct feed *f, const struct feed_options *o, struct err *e)
{
	struct log_options options = { .uri = o->uri, .container = o->container };
	const char *path = log_option(&options, "attach", "");
	if (log_option_bool(&options, "stdin-once", &f->once, e) < 0)
		return -1;
	f->once = f->once && !o->terminal; /* a terminal's input has no end */
	f->log = log_open_sink(f->s, &options, e);
	if (!f->log)
		return -1;
	f->log->ready = ready;
	f->log->owner = f;
	return open_attach(f, o, path, e);
}

struct feed *feed_open(struct shim *s, const struct feed_options *o, void (*finished)(void *owner), void *owner, struct err *e)
{
	struct feed *f = xalloc(sizeof(*f));
	f->s = s;
	f->done = finished;
	f->owner = owner;
	for (int i = 0; i < 2; i++)
		f->stream[i] = (struct stream){ .feed = f, .src = { .fd = -1 }, .lines = { .stream = i + 1 } };
	if (open_all(f, o, e) == 0)
		return f;
	f->finished = true;
	feed_free(f);
	return NULL;
}

void feed_output(struct feed *f, int n, int fd)
{
	struct stream *st = &f->stream[n - 1];
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	st->src = (struct source){ .fd = fd, .ready = readable, .owner = st };
}

void feed_input(struct feed *f, int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	attach_input(f->attach, fd, f->once);
}

void feed_begin(struct feed *f)
{
	f->begun = true;
	ready(f);
}

void feed_end_input(struct feed *f)
{
	if (f->attach)
		attach_input_end(f->attach);
}

static void pump_all(struct feed *f)
{
	for (int i = 0; i < 2 && f->begun; i++)
		pump(&f->stream[i]);
	look_for_end(f);
}

void feed_exited(struct feed *f)
{
	f->exited = true;
	if (f->attach) {
		attach_input_gone(f->attach);
		attach_force(f->attach);
	}
	pump_all(f);
}

void feed_force(struct feed *f)
{
	f->forced = true;
	feed_exited(f);
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	f->finished = true;
	for (int i = 0; i < 2; i++) {
		if (f->stream[i].src.fd >= 0)
			end_stream(&f->stream[i]);
		buf_free(&f->stream[i].lines.held);
	}
	attach_free(f->attach);
	if (f->log)
		f->log->driver->close(f->log);
	if (f->note)
		unlink(f->note);
	free(f->note);
	free(f);
}

void feed_clean_up(const char *note)
{
	AUTO_FREE char *path = file_text(note, 4096);
	if (path && *path == '/' && !socket_alive(path))
		unlink(path);
}
