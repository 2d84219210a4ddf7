#include "exec-spec.h"

#include "json.h"

#include <string.h>

/* Runtimes written in Go match keys without regard to case: every spelling goes. */
int exec_spec(struct bytes spec, bool terminal, struct buf *out, struct err *e)
{
	char *key;
	struct json j = json_read(spec.data, spec.len);
	if (json_kind(&j) == '{' && json_valid(spec.data, spec.len)) {
		buf_printf(out, "{\"terminal\":%s", terminal ? "true" : "false");
		for (bool first = true; json_member(&j, &first, &key); free(key)) {
			struct bytes value = json_skip(&j);
			if (strcasecmp(key, "terminal") == 0)
				continue;
			buf_str(out, ",");
			json_quote(out, key);
			buf_str(out, ":");
			buf_add(out, value.data, value.len);
		}
		buf_str(out, "}");
		if (!j.bad)
			return 0;
	}
	buf_free(out);
	return err_set(e, CODE_INVALID_ARGUMENT, "the process of an exec is not a JSON object: invalid argument");
}
