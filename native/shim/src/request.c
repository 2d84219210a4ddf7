#include "request.h"

#include "wire.h"

#include <string.h>

#define AT(member) offsetof(struct request, member)
#define MOUNTS_MAX 64
#define OPTIONS_MAX 1024

const struct request_field fields_id[] = { { 1, FIELD_TEXT, AT(id) }, { 0 } };

const struct request_field fields_create[] = {
	{ 1, FIELD_TEXT, AT(id) },      { 2, FIELD_TEXT, AT(bundle) },     { 3, FIELD_MOUNT, 0 },
	{ 4, FIELD_NUMBER, AT(terminal) }, { 5, FIELD_TEXT, AT(in) },      { 6, FIELD_TEXT, AT(out) },
	{ 7, FIELD_TEXT, AT(err) },     { 8, FIELD_TEXT, AT(checkpoint) }, { 9, FIELD_TEXT, AT(parent_checkpoint) },
	{ 10, FIELD_ANY, 0 },           { 0 },
};

/* Delete, State, Start, Wait */
const struct request_field fields_process[] = { { 1, FIELD_TEXT, AT(id) }, { 2, FIELD_TEXT, AT(exec_id) }, { 0 } };

const struct request_field fields_exec[] = {
	{ 1, FIELD_TEXT, AT(id) }, { 2, FIELD_TEXT, AT(exec_id) }, { 3, FIELD_NUMBER, AT(terminal) },
	{ 4, FIELD_TEXT, AT(in) }, { 5, FIELD_TEXT, AT(out) },     { 6, FIELD_TEXT, AT(err) },
	{ 7, FIELD_ANY, 0 },       { 0 },
};

const struct request_field fields_resize[] = {
	{ 1, FIELD_TEXT, AT(id) },      { 2, FIELD_TEXT, AT(exec_id) },
	{ 3, FIELD_NUMBER, AT(width) }, { 4, FIELD_NUMBER, AT(height) }, { 0 },
};

const struct request_field fields_kill[] = {
	{ 1, FIELD_TEXT, AT(id) },       { 2, FIELD_TEXT, AT(exec_id) },
	{ 3, FIELD_NUMBER, AT(signal) }, { 4, FIELD_NUMBER, AT(all) }, { 0 },
};

const struct request_field fields_close_io[] = {
	{ 1, FIELD_TEXT, AT(id) }, { 2, FIELD_TEXT, AT(exec_id) }, { 3, FIELD_NUMBER, AT(stdin_too) }, { 0 },
};

const struct request_field fields_checkpoint[] = {
	{ 1, FIELD_TEXT, AT(id) }, { 2, FIELD_TEXT, AT(path) }, { 3, FIELD_ANY, 0 }, { 0 },
};

const struct request_field fields_update[] = { { 1, FIELD_TEXT, AT(id) }, { 2, FIELD_ANY, 0 }, { 0 } };

const struct request_field fields_shutdown[] = { { 1, FIELD_TEXT, AT(id) }, { 2, FIELD_NUMBER, AT(now) }, { 0 } };

const struct request_field fields_sandbox[] = { { 1, FIELD_TEXT, AT(id) }, { 0 } };

const struct request_field fields_stop_sandbox[] = { { 1, FIELD_TEXT, AT(id) }, { 2, FIELD_NUMBER, AT(timeout) }, { 0 } };

const struct request_field fields_sandbox_status[] = { { 1, FIELD_TEXT, AT(id) }, { 2, FIELD_NUMBER, AT(verbose) }, { 0 } };

static const size_t texts[] = { AT(id),  AT(exec_id), AT(bundle),     AT(in),   AT(out),
				AT(err), AT(checkpoint), AT(parent_checkpoint), AT(path), AT(any_type) };

static bool set_text(char **to, struct bytes b)
{
	char *s = bytes_string(b);
	if (!s)
		return false;
	free(*to);
	*to = s;
	return true;
}

static bool read_any(struct request *r, struct bytes in)
{
	struct pb_reader rd = pb_read(in);
	struct pb_field f;
	bool good = true;
	while (good && pb_next(&rd, &f)) {
		if (f.type != PB_LEN)
			continue;
		if (f.number == 1)
			good = set_text(&r->any_type, f.bytes);
		if (f.number == 2) {
			buf_free(&r->any);
			buf_add(&r->any, f.bytes.data, f.bytes.len);
		}
	}
	return good && !rd.bad;
}

static bool add_option(struct mount *m, struct bytes b)
{
	char *s = bytes_string(b);
	if (!s || m->option_count == OPTIONS_MAX) {
		free(s);
		return false;
	}
	m->options = xresize(m->options, (m->option_count + 1) * sizeof(*m->options));
	m->options[m->option_count++] = s;
	return true;
}

static bool read_mount(struct request *r, struct bytes in)
{
	if (r->rootfs_count == MOUNTS_MAX)
		return false;
	r->rootfs = xresize(r->rootfs, (r->rootfs_count + 1) * sizeof(*r->rootfs));
	struct mount *m = &r->rootfs[r->rootfs_count++];
	*m = (struct mount){ .type = xstrdup(""), .source = xstrdup(""), .target = xstrdup("") };
	struct pb_reader rd = pb_read(in);
	struct pb_field f;
	bool good = true;
	while (good && pb_next(&rd, &f)) {
		char **to = f.number == 1 ? &m->type : f.number == 2 ? &m->source : f.number == 3 ? &m->target : NULL;
		if (f.type == PB_LEN && to)
			good = set_text(to, f.bytes);
		else if (f.type == PB_LEN && f.number == 4)
			good = add_option(m, f.bytes);
	}
	return good && !rd.bad;
}

static bool read_field(struct request *r, const struct request_field *field, const struct pb_field *f)
{
	void *at = (char *)r + field->at;
	if ((field->kind == FIELD_NUMBER) != (f->type == PB_VARINT))
		return false;
	switch (field->kind) {
	case FIELD_NUMBER:
		*(uint64_t *)at = f->value;
		return true;
	case FIELD_TEXT:
		return f->type == PB_LEN && set_text(at, f->bytes);
	case FIELD_ANY:
		return f->type == PB_LEN && read_any(r, f->bytes);
	case FIELD_MOUNT:
		return f->type == PB_LEN && read_mount(r, f->bytes);
	}
	return false;
}

int request_decode(struct request *r, const struct request_field *fields, struct bytes in, struct err *e)
{
	*r = (struct request){ 0 };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*(char **)((char *)r + texts[i]) = xstrdup("");
	struct pb_reader rd = pb_read(in);
	struct pb_field f;
	bool good = true;
	while (good && pb_next(&rd, &f))
		for (const struct request_field *field = fields; field->number && good; field++)
			if (field->number == f.number)
				good = read_field(r, field, &f);
	if (good && !rd.bad)
		return 0;
	return err_set(e, CODE_INVALID_ARGUMENT, "malformed request: invalid argument");
}

void request_free(struct request *r)
{
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		free_ptr((char *)r + texts[i]);
	buf_free(&r->any);
	for (size_t i = 0; i < r->rootfs_count; i++)
		mount_free(&r->rootfs[i]);
	free_ptr(&r->rootfs);
	r->rootfs_count = 0;
}
