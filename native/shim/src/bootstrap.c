#include "bootstrap.h"

#include "json.h"
#include "wire.h"

#include <string.h>

#define VERSION 3 /* of the task service */

static void keep(char **to, struct bytes b)
{
	char *s = bytes_string(b);
	if (!s)
		return;
	free(*to);
	*to = s;
}

static bool is_params(struct bytes in, const struct args *a)
{
	struct pb_reader r = pb_read(in);
	struct pb_field f;
	bool more = false, id = false, namespace = false;
	while (pb_next(&r, &f)) {
		more |= f.number > 2;
		id |= f.number == 1 && f.type == PB_LEN && bytes_equal(f.bytes, a->id);
		namespace |= f.number == 2 && f.type == PB_LEN && bytes_equal(f.bytes, a->namespace);
	}
	return !r.bad && (more || (id && namespace));
}

static int read_any(struct bootstrap *b, struct bytes in, struct err *e)
{
	struct pb_reader r = pb_read(in);
	struct pb_field f;
	AUTO_FREE char *type = xstrdup("");
	struct bytes value = { 0 };
	while (pb_next(&r, &f)) {
		if (f.number == 1 && f.type == PB_LEN)
			keep(&type, f.bytes);
		if (f.number == 2 && f.type == PB_LEN)
			value = f.bytes;
	}
	if (r.bad)
		return err_set(e, CODE_INVALID_ARGUMENT, "stdin is neither options nor bootstrap parameters: invalid argument");
	/* An extension of another kind is not for us: all that matters here is shim_cgroup. */
	if (!strstr(type, "containerd.runc.v1.Options"))
		return 0;
	return options_from_any(&b->options, type, value, e);
}

static int read_extension(struct bootstrap *b, struct bytes in, struct err *e)
{
	struct pb_reader r = pb_read(in);
	struct pb_field f;
	int rc = 0;
	while (rc == 0 && pb_next(&r, &f))
		if (f.number == 1 && f.type == PB_LEN)
			rc = read_any(b, f.bytes, e);
	return rc;
}

static int read_params(struct bootstrap *b, struct bytes in, struct err *e)
{
	struct pb_reader r = pb_read(in);
	struct pb_field f;
	int rc = 0;
	b->answer = ANSWER_RESULT;
	while (rc == 0 && pb_next(&r, &f)) {
		char **to[] = { NULL, &b->id, &b->namespace, NULL, NULL, &b->ttrpc, &b->grpc, &b->binary, NULL, &b->socket_dir };
		if (f.number < COUNT_OF(to) && to[f.number] && f.type == PB_LEN)
			keep(to[f.number], f.bytes);
		if (f.number == 3 && f.type == PB_LEN)
			b->debug = bytes_equal(f.bytes, "debug") || bytes_equal(f.bytes, "trace");
		if (f.number == 8 && f.type == PB_LEN)
			rc = read_extension(b, f.bytes, e);
	}
	return rc;
}

int bootstrap_parse(struct bootstrap *b, struct bytes in, const struct args *a, const char *max_version, struct err *e)
{
	*b = (struct bootstrap){ .debug = a->debug };
	char **texts[] = { &b->id, &b->namespace, &b->ttrpc, &b->grpc, &b->binary, &b->socket_dir };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = xstrdup("");
	options_init(&b->options);
	if (max_version && strtol(max_version, NULL, 10) >= VERSION)
		b->answer = ANSWER_JSON;
	return is_params(in, a) ? read_params(b, in, e) : read_any(b, in, e);
}

void bootstrap_free(struct bootstrap *b)
{
	options_free(&b->options);
	free(b->id);
	free(b->namespace);
	free(b->ttrpc);
	free(b->grpc);
	free(b->binary);
	free(b->socket_dir);
}

void bootstrap_answer(enum answer how, const char *address, struct buf *out)
{
	if (how == ANSWER_RESULT) {
		pb_u64(out, 1, VERSION);
		pb_str(out, 2, address);
		pb_str(out, 3, "ttrpc");
	} else if (how == ANSWER_JSON) {
		buf_printf(out, "{\"version\":%d,\"address\":", VERSION);
		json_quote(out, address);
		buf_str(out, ",\"protocol\":\"ttrpc\"}");
	} else {
		buf_str(out, address);
	}
}
