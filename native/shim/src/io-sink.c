#include "io-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A writer opened while a reader exists does not block, and the other way round: whichever end the
   client has not opened yet, opening both ends read-write first makes it so. */
static int open_both(const char *path, int flags_a, int *a, int flags_b, int *b)
{
	AUTO_FD both = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (both < 0)
		return -1;
	*a = open(path, flags_a | O_CLOEXEC);
	*b = *a < 0 ? -1 : open(path, flags_b | O_CLOEXEC);
	return *b < 0 ? -1 : 0;
}

int io_stdin_fifo(struct io *io, const char *path, int *from, struct err *e)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return err_sys(e, "containerd-shim: opening %s failed", path);
	int rc;
	if (S_ISFIFO(st.st_mode))
		rc = open_both(path, O_RDONLY | O_NONBLOCK, from, O_WRONLY | O_NONBLOCK, &io->hold[0]);
	else
		rc = *from = open(path, O_RDONLY | O_CLOEXEC);
	return rc < 0 ? err_sys(e, "containerd-shim: opening %s failed", path) : 0;
}

static int make_parents(const char *path)
{
	AUTO_FREE char *p = xstrdup(path);
	for (char *slash = strchr(p + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(p, 0755) < 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return 0;
}

static int open_file(const char *path, int create, int *to, struct err *e)
{
	*to = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | create, 0644);
	return *to < 0 ? err_sys(e, "containerd-shim: opening file \"%s\" failed", path) : 0;
}

int io_sink(struct io *io, int n, const struct uri *u, int *to, bool *fifo, struct err *e)
{
	struct stat st;
	*fifo = false;
	if (u->scheme == URI_FILE) {
		if (make_parents(u->path) < 0)
			return err_sys(e, "failed to create the directory of %s", u->path);
		return open_file(u->path, O_CREAT, to, e);
	}
	if (stat(u->path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return open_file(u->path, 0, to, e);
	*fifo = true;
	if (open_both(u->path, O_RDONLY | O_NONBLOCK, &io->hold[n], O_WRONLY, to) < 0)
		return err_sys(e, "containerd-shim: opening w/o fifo \"%s\" failed", u->path);
	return 0;
}
