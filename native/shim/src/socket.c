#include "socket.h"

#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_LIMIT 106
#define BACKLOG 128
/* Who attaches must not be turned away because many do. */
#define CROWD 1024

char *socket_path(const char *dir, const char *grpc, const char *namespace, const char *group)
{
	char hex[65];
	AUTO_FREE char *name = xprintf("%s%s%s/%s", grpc, *grpc ? "/" : "", namespace, group);
	sha256_hex(name, strlen(name), hex);
	return xprintf("%s/%s", *dir ? dir : SOCKET_DIR, hex);
}

static bool address_of(const char *path, struct sockaddr_un *at)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) > PATH_LIMIT)
		return false;
	strcpy(at->sun_path, path);
	return true;
}

/* An address has no room for a long path: it is then reached from its directory, which stays open meanwhile. */
static bool near_address(const char *path, struct sockaddr_un *at, int *dir)
{
	const char *slash = strrchr(path, '/');
	if (address_of(path, at))
		return true;
	if (!slash || strlen(slash) > PATH_LIMIT / 2)
		return false;
	AUTO_FREE char *parent = xstrndup(path, (size_t)(slash - path));
	*dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *near = xprintf("/proc/self/fd/%d%s", *dir, slash);
	return *dir >= 0 && address_of(near, at);
}

bool socket_alive(const char *path)
{
	struct sockaddr_un at;
	AUTO_FD dir = -1;
	if (!near_address(path, &at, &dir))
		return false;
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* A full backlog (EAGAIN) means that somebody is there. */
	return fd >= 0 && (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 || errno == EAGAIN);
}

static int make_dir(const char *path)
{
	AUTO_FREE char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(dir, 0711) < 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -1;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 077))
		fchmod(fd, 0700); /* our own, but made by somebody less strict */
	return fd;
}

static int bind_private(int fd, const struct sockaddr_un *at)
{
	mode_t old = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)at, sizeof(*at));
	int keep = errno;
	umask(old);
	errno = keep;
	return rc;
}

/* The directory is locked, so that of two starts of one group the second finds the first listening. */
int socket_serve(const char *path, struct err *e)
{
	struct sockaddr_un at;
	if (!address_of(path, &at))
		return err_set(e, CODE_INVALID_ARGUMENT, "socket path %s is longer than %d: invalid argument", path, PATH_LIMIT);
	AUTO_FD dir = make_dir(path);
	if (dir < 0 || flock(dir, LOCK_EX) < 0)
		return err_sys(e, "create new shim socket: directory of %s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = fd < 0 ? -1 : bind_private(fd, &at);
	if (rc < 0 && errno == EADDRINUSE) {
		if (socket_alive(path)) {
			close_fd(&fd);
			return -2;
		}
		unlink(path);
		rc = bind_private(fd, &at);
	}
	if (rc == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err_sys(e, "create new shim socket %s", path);
	close_fd(&fd);
	return -1;
}

int socket_listen(const char *path, struct err *e)
{
	struct sockaddr_un at;
	struct stat st;
	AUTO_FD dir = -1;
	if (*path != '/' || !near_address(path, &at, &dir))
		return err_set(e, CODE_INVALID_ARGUMENT, "socket %s: no path for a socket: invalid argument", path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && !socket_alive(path))
		unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind_private(fd, &at) == 0 && listen(fd, CROWD) == 0)
		return fd;
	err_sys(e, "listen on %s", path);
	close_fd(&fd);
	return -1;
}
