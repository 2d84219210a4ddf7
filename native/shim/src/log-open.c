#include "log-driver.h"

#include <errno.h>
#include <string.h>

/* What is written nowhere; whoever is attached has it all the same. */
static struct log_sink *none_open(struct shim *s, struct log_options *o, struct err *e)
{
	(void)s, (void)o, (void)e;
	return xalloc(sizeof(struct log_sink));
}

static void none_close(struct log_sink *k)
{
	free(k);
}

static const struct log_driver log_none = { .name = "none", .open = none_open, .close = none_close };

static const struct log_driver *const drivers[] = { &log_json_file, &log_journald, &log_syslog, &log_fluentd, &log_none };

const char *log_option(struct log_options *o, const char *name, const char *otherwise)
{
	for (size_t i = 0; i + 1 < o->uri->arg_count; i += 2)
		if (strcmp(o->uri->args[i], name) == 0) {
			o->asked |= 1ull << i / 2;
			return o->uri->args[i + 1];
		}
	return otherwise;
}

int log_option_number(struct log_options *o, const char *name, uint64_t min, uint64_t otherwise, uint64_t *out, struct err *e)
{
	const char *text = log_option(o, name, NULL);
	char *end;
	*out = otherwise;
	if (!text)
		return 0;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text < '0' || *text > '9' || *out < min)
		return err_set(e, CODE_INVALID_ARGUMENT, "log option %s: %s is no number from %llu on: invalid argument", name, text, (unsigned long long)min);
	return 0;
}

int log_option_bool(struct log_options *o, const char *name, bool *out, struct err *e)
{
	const char *text = log_option(o, name, "false");
	*out = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
	if (!*out && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
		return err_set(e, CODE_INVALID_ARGUMENT, "log option %s: %s is neither true nor false: invalid argument", name, text);
	return 0;
}

static const struct log_driver *find_driver(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(drivers); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}

struct log_sink *log_open_sink(struct shim *s, struct log_options *o, struct err *e)
{
	const struct log_driver *d = find_driver(o->uri->path);
	if (!d) {
		err_set(e, CODE_INVALID_ARGUMENT, "log driver %s: invalid argument", o->uri->path);
		return NULL;
	}
	struct log_sink *k = d->open(s, o, e);
	if (!k) {
		err_wrap(e, "log driver %s", d->name);
		return NULL;
	}
	k->driver = d;
	k->s = s;
	for (size_t i = 0; i + 1 < o->uri->arg_count; i += 2)
		if (!(o->asked >> i / 2 & 1)) {
			err_set(e, CODE_INVALID_ARGUMENT, "log driver %s: unknown option %s, or given twice: invalid argument", d->name, o->uri->args[i]);
			d->close(k);
			return NULL;
		}
	return k;
}
