/* syslog: a message for each line, in the forms that docker has.
 *
 *   syslog-address      unixgram:///dev/log when absent; TLS is not spoken
 *   syslog-facility     a name or a number; daemon when absent
 *   syslog-format       none (a local log's), rfc3164, rfc5424, rfc5424micro
 *   tag                 who speaks
 *   mode, max-buffer-size */
#include "log-fields.h"
#include "log-outbox.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ADDRESS "unixgram:///dev/log"
#define PORT 514

enum format { LOCAL, RFC3164, RFC5424, RFC5424MICRO };

struct syslog {
	struct log_sink sink;
	struct outbox out;
	enum format format;
	unsigned facility;
	char host[65];
	char *tag;
	struct buf message;
	struct timespec at; /* of the time's text */
	char time[64];
};

static int find_facility(const char *text, unsigned *facility, struct err *e)
{
	static const char *const names[] = { "kern",	 "user", "mail",   "daemon", "auth",   "syslog", "lpr",	   "news",   "uucp",   "cron",	 "authpriv", "ftp",
					     "",	 "",	 "",	   "",	     "local0", "local1", "local2", "local3", "local4", "local5", "local6",   "local7" };
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	if (*text && !*end && number < COUNT_OF(names)) {
		*facility = (unsigned)number;
		return 0;
	}
	for (unsigned i = 0; i < COUNT_OF(names); i++)
		if (*text && strcmp(names[i], text) == 0) {
			*facility = i;
			return 0;
		}
	return err_set(e, CODE_INVALID_ARGUMENT, "syslog facility %s: invalid argument", text);
}

static int find_format(const char *text, enum format *format, struct err *e)
{
	static const char *const names[] = { "", "rfc3164", "rfc5424", "rfc5424micro" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(names[i], text) == 0) {
			*format = (enum format)i;
			return 0;
		}
	return err_set(e, CODE_INVALID_ARGUMENT, "syslog format %s: invalid argument", text);
}

/* +01:00, or Z. */
static void put_zone(char *out, size_t size, long seconds)
{
	long minutes = (seconds < 0 ? -seconds : seconds) / 60;
	if (seconds == 0)
		snprintf(out, size, "Z");
	else
		snprintf(out, size, "%c%02ld:%02ld", seconds < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
}

static void set_time(struct syslog *y, struct timespec at)
{
	struct tm tm;
	char date[32], part[12] = "", zone[8];
	localtime_r(&at.tv_sec, &tm);
	if (y->format < RFC5424) {
		strftime(y->time, sizeof(y->time), "%b %e %H:%M:%S", &tm);
	} else {
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		if (y->format == RFC5424MICRO)
			snprintf(part, sizeof(part), ".%06ld", at.tv_nsec / 1000 % 1000000);
		put_zone(zone, sizeof(zone), tm.tm_gmtoff);
		snprintf(y->time, sizeof(y->time), "%s%s%s", date, part, zone);
	}
	y->at = at;
}

static void add(struct log_sink *k, const struct log_line *line)
{
	struct syslog *y = (struct syslog *)k;
	unsigned priority = y->facility * 8 + (line->stream == 2 ? 3 : 6);
	int pid = (int)getpid();
	if (line->at.tv_sec != y->at.tv_sec || line->at.tv_nsec != y->at.tv_nsec)
		set_time(y, line->at);
	y->message.len = 0;
	if (y->format == LOCAL)
		buf_printf(&y->message, "<%u>%s %s[%d]: ", priority, y->time, y->tag, pid);
	else if (y->format == RFC3164)
		buf_printf(&y->message, "<%u>%s %s %s[%d]: ", priority, y->time, y->host, y->tag, pid);
	else
		buf_printf(&y->message, "<%u>1 %s %s %s %d %s - ", priority, y->time, y->host, y->tag, pid, y->tag);
	buf_add(&y->message, line->text.data, line->text.len);
	buf_str(&y->message, "\n");
	outbox_add(&y->out, y->message.data, y->message.len);
}

static void begin(struct log_sink *k, uint8_t *room)
{
	(void)k, (void)room;
}

static void flush(struct log_sink *k)
{
	struct syslog *y = (struct syslog *)k;
	buf_free(&y->message);
	outbox_flush(&y->out);
}

static bool busy(const struct log_sink *k)
{
	return outbox_full(&((const struct syslog *)k)->out);
}

static bool settled(const struct log_sink *k)
{
	return outbox_empty(&((const struct syslog *)k)->out);
}

static void close_syslog(struct log_sink *k)
{
	struct syslog *y = (struct syslog *)k;
	outbox_close(&y->out);
	buf_free(&y->message);
	free(y->tag);
	free(y);
}

static int set_up(struct syslog *y, struct log_options *o, struct err *e)
{
	struct log_fields f;
	const char *address = log_option(o, "syslog-address", ADDRESS);
	log_fields_read(&f, o);
	y->tag = xstrdup(f.tag);
	gethostname(y->host, sizeof(y->host) - 1);
	if (strncmp(address, "tcp+tls://", 10) == 0)
		return err_set(e, CODE_UNIMPLEMENTED, "address %s: TLS is not spoken: not implemented", address);
	if (find_facility(log_option(o, "syslog-facility", "daemon"), &y->facility, e) < 0 ||
	    find_format(log_option(o, "syslog-format", ""), &y->format, e) < 0 || outbox_options(&y->out, o, e) < 0 ||
	    log_address_parse(address, PORT, &y->out.to, e) < 0)
		return -1;
	return outbox_connect(&y->out, e);
}

static struct log_sink *open_syslog(struct shim *s, struct log_options *o, struct err *e)
{
	struct syslog *y = xalloc(sizeof(*y));
	y->sink.s = s;
	outbox_begin(&y->out, &y->sink);
	if (set_up(y, o, e) == 0)
		return &y->sink;
	close_syslog(&y->sink);
	return NULL;
}

const struct log_driver log_syslog = {
	.name = "syslog",
	.open = open_syslog,
	.begin = begin,
	.add = add,
	.flush = flush,
	.busy = busy,
	.settled = settled,
	.close = close_syslog,
};
