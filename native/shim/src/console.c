#include "console.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A bundle's own path may be too long for a socket. */
#define DIR "/run/containerd/s"
#define WAIT_MS 30000

int console_listen(struct console *c, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	uint64_t name = 0;
	if ((mkdir("/run/containerd", 0711) < 0 && errno != EEXIST) || (mkdir(DIR, 0700) < 0 && errno != EEXIST))
		return err_sys(e, "mkdir " DIR);
	if (getrandom(&name, sizeof(name), 0) != sizeof(name))
		return err_sys(e, "getrandom");
	AUTO_FREE char *path = xprintf(DIR "/pty-%d-%016llx", (int)getpid(), (unsigned long long)name);
	strncpy(at.sun_path, path, sizeof(at.sun_path) - 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return err_sys(e, "failed to create OCI runtime console socket");
	c->path = xstrdup(path);
	if (chmod(path, 0600) < 0 || listen(c->fd, 1) < 0)
		return err_sys(e, "failed to create OCI runtime console socket");
	return 0;
}

static int take_fd(int conn)
{
	char name[128];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { name, sizeof(name) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	if (recvmsg(conn, &msg, MSG_CMSG_CLOEXEC) < 0)
		return -1;
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	int fd = -1;
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	else
		errno = EPROTO;
	return fd;
}

int console_receive(struct shim *s, struct console *c, struct err *e)
{
	static const char *const failed = "failed to retrieve console master";
	errno = ETIMEDOUT;
	if (!co_wait_fd(s->loop, c->fd, EPOLLIN, WAIT_MS))
		return err_sys(e, "%s", failed);
	AUTO_FD conn = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (conn < 0)
		return err_sys(e, "%s", failed);
	errno = ETIMEDOUT;
	if (!co_wait_fd(s->loop, conn, EPOLLIN, WAIT_MS))
		return err_sys(e, "%s", failed);
	int master = take_fd(conn);
	return master < 0 ? err_sys(e, "%s", failed) : master;
}

void console_close(struct console *c)
{
	close_fd(&c->fd);
	if (c->path)
		unlink(c->path);
	free_ptr(&c->path);
}
