#include "base.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void *xalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);
	if (!p)
		abort();
	return p;
}

void *xresize(void *p, size_t size)
{
	void *q = realloc(p, size ? size : 1);
	if (!q)
		abort();
	return q;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
	char *p = xalloc(n + 1);
	memcpy(p, s, n);
	return p;
}

char *xprintf(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *out = NULL;
	int n = vasprintf(&out, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	return out;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (b->cap - b->len < len) {
		size_t cap = b->cap ? b->cap : 64;
		while (cap - b->len < len)
			cap *= 2;
		b->data = xresize(b->data, cap);
		b->cap = cap;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *s = NULL;
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	buf_add(b, s, (size_t)n);
	free(s);
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

char *bytes_string(struct bytes b)
{
	if (b.len && memchr(b.data, 0, b.len))
		return NULL;
	return xstrndup(b.len ? (const char *)b.data : "", b.len);
}

bool bytes_equal(struct bytes b, const char *s)
{
	return b.len == strlen(s) && (b.len == 0 || memcmp(b.data, s, b.len) == 0);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	e->code = code;
	return -1;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	const char *text = strerrordesc_np(errno);
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->msg) - 3 && text && *text)
		snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %c%s", tolower((unsigned char)*text), text + 1);
	e->code = CODE_UNKNOWN;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	memcpy(old, e->msg, sizeof(old));
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	size_t at = n < 0 ? sizeof(e->msg) : (size_t)n;
	if (at + 3 < sizeof(e->msg)) {
		size_t room = sizeof(e->msg) - at - 3, len = strlen(old);
		memcpy(e->msg + at, ": ", 2);
		memcpy(e->msg + at + 2, old, len < room ? len : room);
		e->msg[at + 2 + (len < room ? len : room)] = 0;
	}
	return -1;
}

void close_fd(int *fd)
{
	int keep = errno;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = keep;
}

void free_ptr(void *p)
{
	void **pp = p;
	free(*pp);
	*pp = NULL;
}
