#include "io.h"

#include "io-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long output that nobody has read keeps a deletion waiting, since its reader may be about to come. */
#define LATE_TURNS 10
#define LATE_MS 10

struct io *io_new(struct shim *s)
{
	struct io *io = xalloc(sizeof(*io));
	io->s = s;
	io->master = -1;
	for (int i = 0; i < 3; i++)
		io->hold[i] = -1;
	return io;
}

static void output_done(struct relay *r, void *owner)
{
	struct io *io = owner;
	(void)r;
	if (--io->flowing == 0)
		waitq_wake(io->s->loop, &io->drained);
}

static void feed_done(void *owner)
{
	output_done(NULL, owner);
}

int io_feed(struct io *io, const struct uri *u, const struct stdio *std, const struct io_owner *who, struct err *e)
{
	__attribute__((cleanup(uri_free))) struct uri in = { 0 };
	AUTO_FREE char *note = who->bundle ? xprintf("%s/attach", who->bundle) : NULL;
	if (*std->in && uri_parse(std->in, &in, e) < 0)
		return -1;
	struct feed_options o = {
		.uri = u,
		.container = who->id,
		.stdin_path = in.scheme == URI_ATTACH ? in.path : NULL,
		.note = note,
		.terminal = std->terminal,
	};
	io->feed = feed_open(io->s, &o, feed_done, io, e);
	io->flowing += io->feed != NULL;
	return io->feed ? 0 : -1;
}

void io_flow_out(struct io *io, int n, int from, int to, bool splice)
{
	io->flowing++;
	io->relay[n] = relay_new(io->s->loop, from, to, splice, output_done, io);
}

void io_flow_in(struct io *io, int from, int to, bool splice)
{
	io->relay[0] = relay_new(io->s->loop, from, to, splice, NULL, NULL);
	io->relay[0]->no_swallow = true;
}

void io_started(struct io *io, int fds[3], bool ok)
{
	for (int i = 0; i < 3; i++) {
		close_fd(&fds[i]);
		if (io && ok && io->relay[i])
			relay_begin(io->relay[i]);
	}
	if (io && ok && io->feed)
		feed_begin(io->feed);
}

void io_exited(struct shim *s, struct io *io)
{
	(void)s;
	if (!io)
		return;
	relay_free(io->relay[0]);
	io->relay[0] = NULL;
	close_fd(&io->hold[0]);
	if (io->feed)
		feed_exited(io->feed);
}

void io_close_stdin(struct shim *s, struct io *io)
{
	(void)s;
	if (!io)
		return;
	close_fd(&io->hold[0]);
	if (io->relay[0])
		relay_end(io->relay[0]);
	if (io->feed)
		feed_end_input(io->feed);
}

int io_resize(struct io *io, unsigned width, unsigned height, struct err *e)
{
	struct winsize ws = { .ws_col = (unsigned short)width, .ws_row = (unsigned short)height };
	if (!io || io->master < 0)
		return 0;
	if (ioctl(io->master, TIOCSWINSZ, &ws) < 0)
		return err_sys(e, "failed to resize the terminal");
	return 0;
}

static bool unread(int hold)
{
	int n = 0;
	return hold >= 0 && ioctl(hold, FIONREAD, &n) == 0 && n > 0;
}

/* A client that opens its fifo only when the last writer has gone blocks there. A writer that comes and
   goes lets it in, and it finds what we have kept. */
static void let_in(int hold)
{
	AUTO_FREE char *path = xprintf("/proc/self/fd/%d", hold);
	AUTO_FD writer = unread(hold) ? open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	(void)writer;
}

bool io_drain(struct shim *s, struct io *io, int ms)
{
	if (!io)
		return true;
	if (io->flowing > 0 && !waitq_wait(s->loop, &io->drained, ms)) {
		if (io->feed)
			feed_force(io->feed);
		return io->flowing == 0;
	}
	for (int i = 0; i < LATE_TURNS && (unread(io->hold[1]) || unread(io->hold[2])); i++) {
		let_in(io->hold[1]);
		let_in(io->hold[2]);
		co_sleep(s->loop, LATE_MS);
	}
	return true;
}

static void close_ends(struct io *io)
{
	for (int i = 0; i < 3; i++) {
		relay_free(io->relay[i]);
		io->relay[i] = NULL;
		close_fd(&io->hold[i]);
	}
	feed_free(io->feed);
	io->feed = NULL;
	close_fd(&io->master);
}

void io_close(struct shim *s, struct io *io)
{
	if (!io)
		return;
	close_ends(io);
	if (io->logger)
		logger_stop(s, io->logger);
	io->logger = NULL;
}

void io_free(struct io *io)
{
	if (!io)
		return;
	close_ends(io);
	free(io);
}

void stdio_free(struct stdio *std)
{
	free_ptr(&std->in);
	free_ptr(&std->out);
	free_ptr(&std->err);
}
