/* fluentd: its forward protocol, a message [tag, time, record] for each line.
 *
 *   fluentd-address                 tcp://127.0.0.1:24224 when absent; unix:// too
 *   fluentd-async                   the server may be away: what it could not be given within the buffer is lost. Otherwise it must
 *                                   be there at the start, and later the process waits for it
 *   fluentd-buffer-limit            bytes
 *   fluentd-sub-second-precision    times to the nanosecond instead of the second
 *   container-name, tag, attrs      parts of the record; attrs is a JSON object of further ones
 *   mode, max-buffer-size */
#include "log-fields.h"
#include "log-outbox.h"

#include <stdio.h>
#include <string.h>

#define ADDRESS "tcp://127.0.0.1:24224"
#define PORT 24224

struct fluentd {
	struct log_sink sink;
	struct outbox out;
	struct buf tag;    /* packed */
	struct buf fields; /* packed: names and values that all records have */
	unsigned count;    /* of those */
	bool precise;
	struct buf message;
};

static void put_number(struct buf *b, uint64_t v, int bytes)
{
	uint8_t out[8];
	for (int i = 0; i < bytes; i++)
		out[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
	buf_add(b, out, (size_t)bytes);
}

static void put_kind(struct buf *b, unsigned kind)
{
	put_number(b, kind, 1);
}

static void put_string(struct buf *b, const void *data, size_t len)
{
	if (len < 32) {
		put_kind(b, 0xa0 | (unsigned)len);
	} else if (len < 1 << 16) {
		put_kind(b, 0xda);
		put_number(b, len, 2);
	} else {
		put_kind(b, 0xdb);
		put_number(b, len, 4);
	}
	buf_add(b, data, len);
}

static void put_text(struct buf *b, const char *s)
{
	put_string(b, s, strlen(s));
}

static void put_pair(struct buf *b, const char *name, const char *value)
{
	put_text(b, name);
	put_text(b, value);
}

static void put_attr(void *to, const char *name, const char *value)
{
	struct fluentd *f = to;
	put_pair(&f->fields, name, value);
	f->count++;
}

/* Seconds, or fluentd's own kind: seconds and nanoseconds. */
static void put_time(struct buf *b, bool precise, struct timespec at)
{
	if (!precise) {
		put_kind(b, 0xd3);
		put_number(b, (uint64_t)at.tv_sec, 8);
		return;
	}
	put_kind(b, 0xd7);
	put_kind(b, 0);
	put_number(b, (uint64_t)at.tv_sec, 4);
	put_number(b, (uint64_t)at.tv_nsec, 4);
}

static void put_part(struct buf *b, const struct log_line *line)
{
	char ordinal[24];
	snprintf(ordinal, sizeof(ordinal), "%llu", (unsigned long long)line->part);
	put_pair(b, "partial_message", "true");
	put_pair(b, "partial_id", line->id);
	put_pair(b, "partial_ordinal", ordinal);
	put_pair(b, "partial_last", line->last ? "true" : "false");
}

static void add(struct log_sink *k, const struct log_line *line)
{
	struct fluentd *f = (struct fluentd *)k;
	struct buf *m = &f->message;
	m->len = 0;
	put_kind(m, 0x93);
	buf_add(m, f->tag.data, f->tag.len);
	put_time(m, f->precise, line->at);
	put_kind(m, 0xde);
	put_number(m, f->count + 2 + (line->part ? 4 : 0), 2);
	buf_add(m, f->fields.data, f->fields.len);
	put_pair(m, "source", line->stream == 2 ? "stderr" : "stdout");
	put_text(m, "log");
	put_string(m, line->text.data, line->text.len);
	if (line->part)
		put_part(m, line);
	outbox_add(&f->out, m->data, m->len);
}

static void begin(struct log_sink *k, uint8_t *room)
{
	(void)k, (void)room;
}

static void flush(struct log_sink *k)
{
	struct fluentd *f = (struct fluentd *)k;
	buf_free(&f->message);
	outbox_flush(&f->out);
}

static bool busy(const struct log_sink *k)
{
	return outbox_full(&((const struct fluentd *)k)->out);
}

static bool settled(const struct log_sink *k)
{
	return outbox_empty(&((const struct fluentd *)k)->out);
}

static void close_fluentd(struct log_sink *k)
{
	struct fluentd *f = (struct fluentd *)k;
	outbox_close(&f->out);
	buf_free(&f->tag);
	buf_free(&f->fields);
	buf_free(&f->message);
	free(f);
}

/* docker's users write host:port. */
static int find_server(struct fluentd *f, const char *text, struct err *e)
{
	AUTO_FREE char *full = xprintf("%s%s", strstr(text, "://") ? "" : "tcp://", text);
	if (log_address_parse(full, PORT, &f->out.to, e) < 0)
		return -1;
	if (f->out.to.type != SOCK_STREAM)
		return err_set(e, CODE_INVALID_ARGUMENT, "address %s: wanted tcp:// or unix://: invalid argument", text);
	return 0;
}

static int set_up(struct fluentd *f, struct log_options *o, struct err *e)
{
	struct log_fields fields;
	bool async;
	uint64_t limit;
	log_fields_read(&fields, o);
	put_text(&f->tag, fields.tag);
	put_attr(f, "container_id", fields.id);
	put_attr(f, "container_name", fields.name);
	if (log_attrs(&fields, put_attr, f, e) < 0 || outbox_options(&f->out, o, e) < 0 ||
	    log_option_bool(o, "fluentd-async", &async, e) < 0 ||
	    log_option_bool(o, "fluentd-sub-second-precision", &f->precise, e) < 0 ||
	    log_option_number(o, "fluentd-buffer-limit", 1, f->out.limit, &limit, e) < 0 ||
	    find_server(f, log_option(o, "fluentd-address", ADDRESS), e) < 0)
		return -1;
	f->out.limit = limit;
	f->out.keeps = !async;
	f->out.never_holds = f->out.never_holds || async;
	return async ? 0 : outbox_connect(&f->out, e);
}

static struct log_sink *open_fluentd(struct shim *s, struct log_options *o, struct err *e)
{
	struct fluentd *f = xalloc(sizeof(*f));
	f->sink.s = s;
	outbox_begin(&f->out, &f->sink);
	if (set_up(f, o, e) == 0)
		return &f->sink;
	close_fluentd(&f->sink);
	return NULL;
}

const struct log_driver log_fluentd = {
	.name = "fluentd",
	.open = open_fluentd,
	.begin = begin,
	.add = add,
	.flush = flush,
	.busy = busy,
	.settled = settled,
	.close = close_fluentd,
};
