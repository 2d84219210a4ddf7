#include "log-lines.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static void name_line(struct log_lines *l)
{
	uint8_t bytes[16] = { 0 };
	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) < 0)
		memcpy(bytes, &l->began, sizeof(bytes)); /* only has to tell lines of one container apart */
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(l->id + 2 * i, 3, "%02x", bytes[i]);
}

static void hand_on(struct log_lines *l, struct bytes text, bool last, struct timespec now, log_line_fn fn, void *to)
{
	struct log_line line = { .stream = l->stream, .text = text, .at = now, .last = last };
	if (!last && l->parts == 0) {
		l->began = now;
		name_line(l);
	}
	if (!last || l->parts > 0) {
		line.part = ++l->parts;
		line.at = l->began;
		line.id = l->id;
	}
	if (last)
		l->parts = 0;
	fn(to, &line);
}

/* How much of the data belongs to the line that begins with what is held; `last` when its newline is behind that. */
static size_t piece(const struct log_lines *l, struct bytes data, bool *last)
{
	size_t room = LOG_LINE_MAX - l->held.len, n = data.len < room ? data.len : room;
	const uint8_t *newline = memchr(data.data, '\n', n);
	*last = newline != NULL;
	return newline ? (size_t)(newline - data.data) : n;
}

void log_lines_add(struct log_lines *l, struct bytes data, struct timespec now, log_line_fn fn, void *to)
{
	while (data.len > 0) {
		bool last;
		size_t n = piece(l, data, &last);
		struct bytes text = { data.data, n };
		if (l->held.len > 0 || (!last && n < LOG_LINE_MAX)) {
			buf_add(&l->held, text.data, n);
			text = (struct bytes){ l->held.data, l->held.len };
		}
		if (last || text.len == LOG_LINE_MAX) {
			hand_on(l, text, last, now, fn, to);
			buf_free(&l->held);
		}
		n += last;
		data = (struct bytes){ data.data + n, data.len - n };
	}
}

void log_lines_end(struct log_lines *l, struct timespec now, log_line_fn fn, void *to)
{
	if (l->held.len > 0)
		hand_on(l, (struct bytes){ l->held.data, l->held.len }, false, now, fn, to);
	buf_free(&l->held);
	l->parts = 0;
}
