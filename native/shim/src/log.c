#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Read and write: the fifo then stays alive while the daemon restarts, and what is written meanwhile
   is read by the next one, as far as it fits. */
void log_open(struct log *l)
{
	l->fd = open("log", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
}

static void add_quoted(struct buf *out, const char *s)
{
	buf_str(out, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_printf(out, "\\%c", *s);
		else if (*s == '\n')
			buf_str(out, "\\n");
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			buf_printf(out, "\\x%02x", (unsigned char)*s);
		else
			buf_add(out, s, 1);
	}
	buf_str(out, "\"");
}

void log_write(struct log *l, const char *level, const char *fmt, ...)
{
	if (l->fd < 0 || (!l->debug && strcmp(level, "debug") == 0))
		return;
	char msg[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	struct timespec now;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	AUTO_BUF line = { 0 };
	buf_printf(&line, "time=\"%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ\" level=%s msg=", tm.tm_year + 1900,
		   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec, level);
	add_quoted(&line, msg);
	buf_printf(&line, " namespace=%s shim=%s pid=%d\n", l->namespace, l->id, (int)getpid());
	if (write(l->fd, line.data, line.len) < 0)
		return; /* full, and nobody reads: there is no place left to say so */
}
