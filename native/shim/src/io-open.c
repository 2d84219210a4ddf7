#include "io-private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Pipes and fifos belong to the user that io_uid and io_gid name, who is root in a user namespace. */
static int give(int fd, const struct io_owner *who, struct err *e)
{
	if ((who->uid || who->gid) && fchown(fd, who->uid, who->gid) < 0)
		return err_sys(e, "failed to change the owner of the process's I/O");
	return 0;
}

static int make_pipe(int *read_end, int *write_end, struct err *e)
{
	int p[2];
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "failed to create a pipe");
	*read_end = p[0];
	*write_end = p[1];
	return 0;
}

static bool attached(const char *path)
{
	return strncmp(path, "attach://", 9) == 0;
}

static int open_stdin(struct io *io, const char *path, const struct io_owner *who, int *fd, struct err *e)
{
	int from = -1, to = -1;
	if (!*path || attached(path))
		return 0;
	if (io_stdin_fifo(io, path, &from, e) < 0)
		return -1;
	if (make_pipe(fd, &to, e) < 0) {
		close_fd(&from);
		return -1;
	}
	io_flow_in(io, from, to, true);
	return give(*fd, who, e);
}

static int open_attached_stdin(struct io *io, const struct io_owner *who, int *fd, struct err *e)
{
	int to = -1;
	if (make_pipe(fd, &to, e) < 0)
		return -1;
	feed_input(io->feed, to);
	return give(*fd, who, e);
}

static int feed_pipe(struct io *io, int n, const struct io_owner *who, int *fd, struct err *e)
{
	int from = -1;
	if (make_pipe(&from, fd, e) < 0)
		return -1;
	feed_output(io->feed, n, from);
	return give(*fd, who, e);
}

/* One log has both outputs, each with its name. */
static int open_feed(struct io *io, const struct uri *u, const struct stdio *std, const struct io_owner *who, int fds[3], struct err *e)
{
	if (*std->err && strcmp(std->out, std->err) != 0)
		return err_set(e, CODE_INVALID_ARGUMENT, "stderr %s: another log than that of stdout: invalid argument", std->err);
	if (io_feed(io, u, std, who, e) < 0 || feed_pipe(io, 1, who, &fds[1], e) < 0 ||
	    (*std->err && feed_pipe(io, 2, who, &fds[2], e) < 0))
		return -1;
	return attached(std->in) ? open_attached_stdin(io, who, &fds[0], e) : 0;
}

static int open_output(struct io *io, int n, const struct uri *u, const struct io_owner *who, int *fd, struct err *e)
{
	int to = -1, from = -1;
	bool fifo;
	if (io_sink(io, n, u, &to, &fifo, e) < 0)
		return -1;
	if (fifo && n == 1) {
		*fd = to;
		return give(to, who, e);
	}
	if (make_pipe(&from, fd, e) < 0) {
		close_fd(&to);
		return -1;
	}
	io_flow_out(io, n, from, to, fifo);
	return give(*fd, who, e);
}

static int open_logger(struct io *io, const struct uri *u, const struct io_owner *who, int fds[3], struct err *e)
{
	AUTO_FD out = -1;
	AUTO_FD err = -1;
	if (make_pipe(&out, &fds[1], e) < 0 || make_pipe(&err, &fds[2], e) < 0)
		return -1;
	io->logger = logger_start(io->s, u, who->id, out, err, e);
	return io->logger ? 0 : -1;
}

/* One pipe or fifo for both, so that what is written to them stays in order. */
static int share(int fds[3], struct err *e)
{
	fds[2] = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
	return fds[2] < 0 ? err_sys(e, "failed to duplicate stdout") : 0;
}

static int open_outputs(struct io *io, const struct stdio *std, const struct io_owner *who, int fds[3], struct err *e)
{
	__attribute__((cleanup(uri_free))) struct uri out = { 0 };
	__attribute__((cleanup(uri_free))) struct uri err = { 0 };
	if (uri_parse(std->out, &out, e) < 0)
		return -1;
	if (out.scheme == URI_BINARY)
		return open_logger(io, &out, who, fds, e);
	if (out.scheme == URI_LOG)
		return open_feed(io, &out, std, who, fds, e);
	if (attached(std->in))
		return err_set(e, CODE_INVALID_ARGUMENT, "stdin %s: output is not attached: invalid argument", std->in);
	if (*std->out && open_output(io, 1, &out, who, &fds[1], e) < 0)
		return -1;
	if (out.scheme == URI_FILE || (*std->out && strcmp(std->out, std->err) == 0))
		return share(fds, e);
	if (!*std->err)
		return 0;
	if (uri_parse(std->err, &err, e) < 0)
		return -1;
	if (err.scheme == URI_BINARY || err.scheme == URI_LOG)
		return err_set(e, CODE_INVALID_ARGUMENT, "a logger for stderr alone: invalid argument");
	return open_output(io, 2, &err, who, &fds[2], e);
}

int io_open(struct shim *s, struct io **out, const struct stdio *std, const struct io_owner *who, int fds[3],
	    struct err *e)
{
	struct io *io = io_new(s);
	fds[0] = fds[1] = fds[2] = -1;
	if (open_stdin(io, std->in, who, &fds[0], e) < 0 || open_outputs(io, std, who, fds, e) < 0) {
		io_started(io, fds, false);
		io_close(s, io);
		io_free(io);
		return err_wrap(e, "failed to create init process I/O");
	}
	*out = io;
	return 0;
}

static int feed_terminal(struct io *io, const struct uri *u, const struct stdio *std, const struct io_owner *who, struct err *e)
{
	if (io_feed(io, u, std, who, e) < 0)
		return -1;
	feed_output(io->feed, 1, fcntl(io->master, F_DUPFD_CLOEXEC, 3));
	if (attached(std->in))
		feed_input(io->feed, fcntl(io->master, F_DUPFD_CLOEXEC, 3));
	return 0;
}

static int terminal_output(struct io *io, const struct uri *u, const struct io_owner *who, int *to, struct err *e)
{
	bool fifo;
	if (!*u->path)
		return 0;
	if (u->scheme != URI_BINARY)
		return io_sink(io, 1, u, to, &fifo, e);
	AUTO_FD out = -1;
	AUTO_FD err = -1;
	AUTO_FD unused = -1; /* the logger sees stderr end at once */
	if (make_pipe(&out, to, e) < 0 || make_pipe(&err, &unused, e) < 0)
		return -1;
	close_fd(&unused);
	io->logger = logger_start(io->s, u, who->id, out, err, e);
	return io->logger ? 0 : -1;
}

static int terminal_streams(struct io *io, const struct stdio *std, const struct io_owner *who, struct err *e)
{
	__attribute__((cleanup(uri_free))) struct uri out = { 0 };
	int to = -1, from = -1;
	if (uri_parse(std->out, &out, e) < 0)
		return -1;
	if (out.scheme == URI_LOG ? feed_terminal(io, &out, std, who, e) < 0 : terminal_output(io, &out, who, &to, e) < 0) {
		close_fd(&to);
		return -1;
	}
	if (out.scheme != URI_LOG)
		io_flow_out(io, 1, fcntl(io->master, F_DUPFD_CLOEXEC, 3), to, false);
	if (!*std->in || (attached(std->in) && io->feed))
		return 0;
	if (attached(std->in))
		return err_set(e, CODE_INVALID_ARGUMENT, "stdin %s: output is not attached: invalid argument", std->in);
	if (io_stdin_fifo(io, std->in, &from, e) < 0)
		return -1;
	io_flow_in(io, from, fcntl(io->master, F_DUPFD_CLOEXEC, 3), false);
	return 0;
}

int io_open_terminal(struct shim *s, struct io **out, const struct stdio *std, const struct io_owner *who,
		     int master, struct err *e)
{
	struct io *io = io_new(s);
	*out = io;
	io->master = master;
	if (terminal_streams(io, std, who, e) < 0)
		return err_wrap(e, "failed to start console copy");
	io_started(io, (int[]){ -1, -1, -1 }, true);
	return 0;
}
