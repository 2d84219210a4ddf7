#include "bundle.h"

#include "file.h"
#include "json.h"

#include <string.h>

#define CONFIG_MAX (32u << 20)

/* The first of these that is there counts. */
static const char *const group_names[] = { "io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id" };

static void read_annotations(struct json *j, char *found[2])
{
	char *key;
	if (json_kind(j) != '{') {
		json_skip(j);
		return;
	}
	for (bool first = true; json_member(j, &first, &key); free(key)) {
		size_t i = 0;
		while (i < COUNT_OF(group_names) && strcmp(key, group_names[i]) != 0)
			i++;
		if (i == COUNT_OF(group_names)) {
			json_skip(j);
			continue;
		}
		free(found[i]);
		found[i] = json_string(j);
	}
}

char *config_group(struct bytes config, bool *bad)
{
	struct json j = json_read(config.data, config.len);
	char *found[2] = { NULL, NULL }, *key;
	for (bool first = true; json_member(&j, &first, &key); free(key)) {
		if (strcmp(key, "annotations") == 0)
			read_annotations(&j, found);
		else
			json_skip(&j);
	}
	*bad = j.bad;
	if (found[0]) {
		free(found[1]);
		return found[0];
	}
	return found[1];
}

/* { "type": "pid" } without a path to join. */
static bool own_pid_namespace(struct json *j)
{
	AUTO_FREE char *type = NULL;
	AUTO_FREE char *path = NULL;
	char *key;
	for (bool first = true; json_member(j, &first, &key); free(key)) {
		char **to = strcmp(key, "type") == 0 ? &type : strcmp(key, "path") == 0 ? &path : NULL;
		if (!to) {
			json_skip(j);
			continue;
		}
		free(*to);
		*to = json_string(j);
	}
	return type && strcmp(type, "pid") == 0 && (!path || !*path);
}

static bool in_namespaces(struct json *j)
{
	bool found = false;
	if (json_kind(j) != '[') {
		json_skip(j);
		return false;
	}
	for (bool first = true; json_element(j, &first);) {
		if (json_kind(j) == '{')
			found |= own_pid_namespace(j);
		else
			json_skip(j);
	}
	return found;
}

static bool in_linux(struct json *j)
{
	bool found = false;
	char *key;
	if (json_kind(j) != '{') {
		json_skip(j);
		return false;
	}
	for (bool first = true; json_member(j, &first, &key); free(key)) {
		if (strcmp(key, "namespaces") == 0)
			found = in_namespaces(j);
		else
			json_skip(j);
	}
	return found;
}

bool config_private_pids(struct bytes config)
{
	struct json j = json_read(config.data, config.len);
	bool found = false;
	char *key;
	for (bool first = true; json_member(&j, &first, &key); free(key)) {
		if (strcmp(key, "linux") == 0)
			found = in_linux(&j);
		else
			json_skip(&j);
	}
	return found && !j.bad;
}

static bool in_hooks(struct json *j)
{
	bool found = false;
	char *key;
	if (json_kind(j) != '{') {
		json_skip(j);
		return false;
	}
	for (bool first = true; json_member(j, &first, &key); free(key)) {
		struct bytes value = json_skip(j);
		if (strcasecmp(key, "poststart") == 0)
			found = !bytes_equal(value, "null") && !bytes_equal(value, "[]");
	}
	return found;
}

bool config_poststart(struct bytes config)
{
	struct json j = json_read(config.data, config.len);
	bool found = false;
	char *key;
	for (bool first = true; json_member(&j, &first, &key); free(key)) {
		if (strcasecmp(key, "hooks") == 0)
			found |= in_hooks(&j);
		else
			json_skip(&j);
	}
	return found || j.bad;
}

static char *in_root(struct json *j)
{
	char *path = NULL, *key;
	if (json_kind(j) != '{') {
		json_skip(j);
		return NULL;
	}
	for (bool first = true; json_member(j, &first, &key); free(key)) {
		if (strcasecmp(key, "path") != 0) {
			json_skip(j);
			continue;
		}
		free(path);
		path = json_string(j);
	}
	return path;
}

char *config_root(struct bytes config)
{
	struct json j = json_read(config.data, config.len);
	char *root = NULL, *key;
	for (bool first = true; json_member(&j, &first, &key); free(key)) {
		if (strcasecmp(key, "root") != 0) {
			json_skip(&j);
			continue;
		}
		char *path = in_root(&j);
		if (!path)
			continue; /* as runtimes read it, what an earlier one says still holds */
		free(root);
		root = path;
	}
	return root;
}

int bundle_group(const char *bundle, char **group, struct err *e)
{
	AUTO_BUF text = { 0 };
	AUTO_FREE char *path = xprintf("%s/config.json", bundle);
	bool bad;
	*group = NULL;
	if (file_read(path, CONFIG_MAX, &text) < 0)
		return err_sys(e, "open %s", path);
	*group = config_group((struct bytes){ text.data, text.len }, &bad);
	if (!bad)
		return 0;
	free_ptr(group);
	return err_set(e, CODE_INVALID_ARGUMENT, "%s is not JSON: invalid argument", path);
}

bool bundle_private_pids(const char *bundle)
{
	AUTO_BUF text = { 0 };
	AUTO_FREE char *path = xprintf("%s/config.json", bundle);
	return file_read(path, CONFIG_MAX, &text) == 0 && config_private_pids((struct bytes){ text.data, text.len });
}

bool bundle_poststart(const char *bundle)
{
	AUTO_BUF text = { 0 };
	AUTO_FREE char *path = xprintf("%s/config.json", bundle);
	return file_read(path, CONFIG_MAX, &text) < 0 || config_poststart((struct bytes){ text.data, text.len });
}

char *bundle_root(const char *bundle)
{
	AUTO_BUF text = { 0 };
	AUTO_FREE char *path = xprintf("%s/config.json", bundle);
	if (file_read(path, CONFIG_MAX, &text) < 0)
		return NULL;
	AUTO_FREE char *root = config_root((struct bytes){ text.data, text.len });
	if (!root)
		return NULL;
	return *root == '/' ? xstrdup(root) : xprintf("%s/%s", bundle, root);
}
