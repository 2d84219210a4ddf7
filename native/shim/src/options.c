#include "options.h"

#include "file.h"
#include "json.h"
#include "wire.h"

#include <errno.h>
#include <string.h>

#define TYPE "containerd.runc.v1.Options"

enum kind { BOOL, U32, TEXT };

static const struct {
	uint32_t number;
	enum kind kind;
	size_t at;
	const char *name;
} fields[] = {
	{ 1, BOOL, offsetof(struct runc_options, no_pivot_root), "no_pivot_root" },
	{ 2, BOOL, offsetof(struct runc_options, no_new_keyring), "no_new_keyring" },
	{ 3, TEXT, offsetof(struct runc_options, shim_cgroup), "shim_cgroup" },
	{ 4, U32, offsetof(struct runc_options, io_uid), "io_uid" },
	{ 5, U32, offsetof(struct runc_options, io_gid), "io_gid" },
	{ 6, TEXT, offsetof(struct runc_options, binary_name), "binary_name" },
	{ 7, TEXT, offsetof(struct runc_options, root), "root" },
	{ 8, TEXT, offsetof(struct runc_options, criu_path), "criu_path" },
	{ 9, BOOL, offsetof(struct runc_options, systemd_cgroup), "systemd_cgroup" },
	{ 10, TEXT, offsetof(struct runc_options, criu_image_path), "criu_image_path" },
	{ 11, TEXT, offsetof(struct runc_options, criu_work_path), "criu_work_path" },
};

static void *slot(const struct runc_options *o, size_t i)
{
	return (char *)o + fields[i].at;
}

void options_init(struct runc_options *o)
{
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (fields[i].kind == TEXT)
			*(char **)slot(o, i) = xstrdup("");
}

void options_free(struct runc_options *o)
{
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (fields[i].kind == TEXT)
			free_ptr(slot(o, i));
}

static bool set(struct runc_options *o, size_t i, uint64_t number, char *text)
{
	if (fields[i].kind == BOOL) {
		*(bool *)slot(o, i) = number != 0;
	} else if (fields[i].kind == U32) {
		*(uint32_t *)slot(o, i) = (uint32_t)number;
	} else if (text) {
		free_ptr(slot(o, i));
		*(char **)slot(o, i) = text;
		return true;
	}
	free(text);
	return fields[i].kind != TEXT;
}

int options_decode(struct runc_options *o, struct bytes in, struct err *e)
{
	struct pb_reader r = pb_read(in);
	struct pb_field f;
	bool good = true;
	while (good && pb_next(&r, &f))
		for (size_t i = 0; i < COUNT_OF(fields); i++)
			if (fields[i].number == f.number && (fields[i].kind == TEXT) == (f.type == PB_LEN))
				good = set(o, i, f.value, f.type == PB_LEN ? bytes_string(f.bytes) : NULL);
	if (good && !r.bad)
		return 0;
	return err_set(e, CODE_INVALID_ARGUMENT, "malformed " TYPE ": invalid argument");
}

int options_from_any(struct runc_options *o, const char *type_url, struct bytes value, struct err *e)
{
	const char *slash = strrchr(type_url, '/');
	const char *name = slash ? slash + 1 : type_url;
	if (!*name)
		return 0;
	if (strcmp(name, TYPE) != 0)
		return err_set(e, CODE_INVALID_ARGUMENT, "runtime options of type \"%s\", want \"" TYPE "\": invalid argument", type_url);
	return options_decode(o, value, e);
}

static void add_field(struct buf *out, const struct runc_options *o, size_t i)
{
	const char *comma = out->len > 1 ? "," : "";
	if (fields[i].kind == BOOL && *(bool *)slot(o, i))
		buf_printf(out, "%s\"%s\":true", comma, fields[i].name);
	else if (fields[i].kind == U32 && *(uint32_t *)slot(o, i))
		buf_printf(out, "%s\"%s\":%u", comma, fields[i].name, *(uint32_t *)slot(o, i));
	else if (fields[i].kind == TEXT && **(char **)slot(o, i)) {
		buf_printf(out, "%s\"%s\":", comma, fields[i].name);
		json_quote(out, *(char **)slot(o, i));
	}
}

int options_save(const struct runc_options *o, const char *bundle, struct err *e)
{
	AUTO_BUF text = { 0 };
	buf_str(&text, "{");
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		add_field(&text, o, i);
	buf_str(&text, "}");
	AUTO_FREE char *path = xprintf("%s/options.json", bundle);
	AUTO_FREE char *runtime = xprintf("%s/runtime", bundle);
	if (file_write(path, text.data, text.len, 0600) < 0)
		return err_sys(e, "write %s", path);
	if (file_write(runtime, o->binary_name, strlen(o->binary_name), 0600) < 0)
		return err_sys(e, "write %s", runtime);
	return 0;
}

static int parse(struct runc_options *o, struct json *j)
{
	char *key;
	for (bool first = true; json_member(j, &first, &key); free(key)) {
		size_t i = 0;
		while (i < COUNT_OF(fields) && strcmp(fields[i].name, key) != 0)
			i++;
		if (i == COUNT_OF(fields))
			json_skip(j);
		else if (fields[i].kind == TEXT)
			set(o, i, 0, json_string(j));
		else
			set(o, i, fields[i].kind == BOOL ? json_true(j) : json_u64(j), NULL);
	}
	return j->bad ? -1 : 0;
}

int options_load(struct runc_options *o, const char *bundle, struct err *e)
{
	AUTO_BUF text = { 0 };
	AUTO_FREE char *path = xprintf("%s/options.json", bundle);
	AUTO_FREE char *runtime = xprintf("%s/runtime", bundle);
	if (file_read(path, 65536, &text) == 0) {
		struct json j = json_read(text.data, text.len);
		if (parse(o, &j) < 0)
			return err_set(e, CODE_UNKNOWN, "%s is no JSON object", path);
	} else if (errno != ENOENT) {
		return err_sys(e, "read %s", path);
	}
	char *binary = file_text(runtime, 4096);
	if (!binary)
		return errno == ENOENT ? 0 : err_sys(e, "read %s", runtime);
	free(o->binary_name);
	o->binary_name = binary;
	return 0;
}
