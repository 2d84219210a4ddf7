#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int fd_read(int fd, size_t max, struct buf *out)
{
	uint8_t chunk[4096];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (out->len + (size_t)n > max) {
			errno = EFBIG;
			return -1;
		}
		buf_add(out, chunk, (size_t)n);
	}
}

int file_read(const char *path, size_t max, struct buf *out)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : fd_read(fd, max, out);
}

char *file_text(const char *path, size_t max)
{
	AUTO_BUF b = { 0 };
	if (file_read(path, max, &b) < 0)
		return NULL;
	while (b.len && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == ' '))
		b.len--;
	char *s = bytes_string((struct bytes){ b.data, b.len });
	if (!s)
		errno = EINVAL;
	return s;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_write(const char *path, const void *data, size_t len, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash - path + 1) : 0;
	AUTO_FREE char *tmp = xprintf("%.*s.%s", dir, path, path + dir);
	AUTO_FD fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -1;
	if (write_all(fd, data, len) == 0 && rename(tmp, path) == 0)
		return 0;
	int keep = errno;
	unlink(tmp);
	errno = keep;
	return -1;
}

int file_put(const char *path, const char *text)
{
	AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -1 : write_all(fd, (const uint8_t *)text, strlen(text));
}

pid_t file_pid(const char *path)
{
	AUTO_FREE char *text = file_text(path, 64);
	if (!text)
		return 0;
	char *end;
	long pid = strtol(text, &end, 10);
	if (end == text || *end || pid <= 0 || pid > INT32_MAX) {
		errno = EINVAL;
		return 0;
	}
	return (pid_t)pid;
}
