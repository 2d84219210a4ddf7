/* journald: its native protocol, a datagram for each line.
 *
 *   socket                                       where journald listens
 *   container-name, image-name, tag, attrs       fields; attrs is a JSON object of further ones
 *   mode, max-buffer-size                        as in docker, in bytes */
#include "json.h"
#include "log-fields.h"
#include "log-outbox.h"

#include <stdio.h>
#include <string.h>

#define SOCKET "unixgram:///run/systemd/journal/socket"

struct journald {
	struct log_sink sink;
	struct outbox out;
	struct buf fields; /* the same in each entry */
	struct buf entry;
};

/* A value with a newline in it goes with its length instead. */
static void put_field(struct buf *to, const char *name, const char *value)
{
	size_t n = strlen(value);
	buf_str(to, name);
	if (memchr(value, '\n', n)) {
		uint8_t len[8];
		for (int i = 0; i < 8; i++)
			len[i] = (uint8_t)((uint64_t)n >> 8 * i);
		buf_str(to, "\n");
		buf_add(to, len, sizeof(len));
	} else {
		buf_str(to, "=");
	}
	buf_add(to, value, n);
	buf_str(to, "\n");
}

/* Names are capitals, digits and underscores, and begin with a capital. */
static void put_attr(void *to, const char *name, const char *value)
{
	AUTO_FREE char *clean = xalloc(strlen(name) + 1);
	size_t n = 0;
	for (; *name; name++) {
		char c = *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
		bool capital = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
		if (n > 0 || capital)
			clean[n++] = capital || digit ? c : '_';
	}
	if (n > 0)
		put_field(to, clean, value);
}

static void add(struct log_sink *k, const struct log_line *line)
{
	struct journald *j = (struct journald *)k;
	j->entry.len = 0;
	buf_str(&j->entry, line->stream == 2 ? "PRIORITY=3\n" : "PRIORITY=6\n");
	buf_str(&j->entry, "MESSAGE=");
	buf_add(&j->entry, line->text.data, line->text.len);
	buf_str(&j->entry, "\n");
	if (line->part && !line->last)
		buf_str(&j->entry, "CONTAINER_PARTIAL_MESSAGE=true\n");
	if (line->part) {
		put_field(&j->entry, "CONTAINER_PARTIAL_ID", line->id);
		buf_printf(&j->entry, "CONTAINER_PARTIAL_ORDINAL=%llu\n", (unsigned long long)line->part);
		put_field(&j->entry, "CONTAINER_PARTIAL_LAST", line->last ? "true" : "false");
	}
	buf_add(&j->entry, j->fields.data, j->fields.len);
	outbox_add(&j->out, j->entry.data, j->entry.len);
}

static void begin(struct log_sink *k, uint8_t *room)
{
	(void)k, (void)room;
}

static void flush(struct log_sink *k)
{
	struct journald *j = (struct journald *)k;
	buf_free(&j->entry);
	outbox_flush(&j->out);
}

static bool busy(const struct log_sink *k)
{
	return outbox_full(&((const struct journald *)k)->out);
}

static bool settled(const struct log_sink *k)
{
	return outbox_empty(&((const struct journald *)k)->out);
}

static void close_journald(struct log_sink *k)
{
	struct journald *j = (struct journald *)k;
	outbox_close(&j->out);
	buf_free(&j->fields);
	buf_free(&j->entry);
	free(j);
}

static int set_up(struct journald *j, struct log_options *o, struct err *e)
{
	struct log_fields f;
	log_fields_read(&f, o);
	put_field(&j->fields, "CONTAINER_ID", f.short_id);
	put_field(&j->fields, "CONTAINER_ID_FULL", f.id);
	put_field(&j->fields, "CONTAINER_NAME", f.name);
	put_field(&j->fields, "CONTAINER_TAG", f.tag);
	put_field(&j->fields, "IMAGE_NAME", f.image);
	put_field(&j->fields, "SYSLOG_IDENTIFIER", f.tag);
	if (log_attrs(&f, put_attr, &j->fields, e) < 0 || outbox_options(&j->out, o, e) < 0 ||
	    log_address_parse(log_option(o, "socket", SOCKET), 0, &j->out.to, e) < 0)
		return -1;
	return outbox_connect(&j->out, e);
}

static struct log_sink *open_journald(struct shim *s, struct log_options *o, struct err *e)
{
	struct journald *j = xalloc(sizeof(*j));
	j->sink.s = s;
	outbox_begin(&j->out, &j->sink);
	if (set_up(j, o, e) == 0)
		return &j->sink;
	close_journald(&j->sink);
	return NULL;
}

const struct log_driver log_journald = {
	.name = "journald",
	.open = open_journald,
	.begin = begin,
	.add = add,
	.flush = flush,
	.busy = busy,
	.settled = settled,
	.close = close_journald,
};
