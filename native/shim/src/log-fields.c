#include "log-fields.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

void log_fields_read(struct log_fields *f, struct log_options *o)
{
	f->id = log_option(o, "container-id", o->container);
	snprintf(f->short_id, sizeof(f->short_id), "%.12s", f->id);
	f->name = log_option(o, "container-name", "");
	f->image = log_option(o, "image-name", "");
	f->tag = log_option(o, "tag", f->short_id);
	f->attrs = log_option(o, "attrs", "");
}

int log_attrs(const struct log_fields *f, void (*fn)(void *to, const char *name, const char *value), void *to, struct err *e)
{
	size_t len = strlen(f->attrs);
	struct json j = json_read(f->attrs, len);
	char *key;
	if (len == 0)
		return 0;
	if (!json_valid(f->attrs, len) || json_kind(&j) != '{')
		return err_set(e, CODE_INVALID_ARGUMENT, "attrs must be a JSON object: invalid argument");
	for (bool first = true; json_member(&j, &first, &key); free(key)) {
		AUTO_FREE char *value = json_string(&j);
		if (value)
			fn(to, key, value);
	}
	return 0;
}
