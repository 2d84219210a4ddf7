#include "args.h"

#include <string.h>

struct flag {
	const char *name;
	const char **text;
	bool *on;
};

/* `-x v`, `--x v`, `-x=v`; a switch is on, or `-x=false`. */
static int take(const struct flag *f, const char *value, char ***next, struct err *e)
{
	if (f->on) {
		*f->on = !value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
		return 0;
	}
	if (!value)
		value = *(*next)++;
	if (!value)
		return err_set(e, CODE_INVALID_ARGUMENT, "flag needs an argument: -%s", f->name);
	*f->text = value;
	return 0;
}

static int one(const struct flag *flags, size_t count, const char *word, char ***next, struct err *e)
{
	const char *name = word + 1 + (word[1] == '-');
	size_t n = strcspn(name, "=");
	for (size_t i = 0; i < count; i++)
		if (strlen(flags[i].name) == n && strncmp(flags[i].name, name, n) == 0)
			return take(&flags[i], name[n] ? name + n + 1 : NULL, next, e);
	return err_set(e, CODE_INVALID_ARGUMENT, "flag provided but not defined: -%.*s", (int)n, name);
}

int args_parse(struct args *a, int argc, char **argv, struct err *e)
{
	*a = (struct args){ "", "", "", "containerd", "", "", false, false, false, "" };
	const struct flag flags[] = {
		{ "namespace", &a->namespace, NULL }, { "id", &a->id, NULL },         { "address", &a->address, NULL },
		{ "publish-binary", &a->publish_binary, NULL }, { "bundle", &a->bundle, NULL }, { "socket", &a->socket, NULL },
		{ "debug", NULL, &a->debug },         { "v", NULL, &a->version },     { "info", NULL, &a->info },
	};
	(void)argc;
	char **next = argv + 1;
	while (*next && **next == '-' && (*next)[1]) {
		const char *word = *next++;
		if (strcmp(word, "--") == 0)
			break;
		if (one(flags, COUNT_OF(flags), word, &next, e) < 0)
			return -1;
	}
	if (*next)
		a->action = *next;
	return 0;
}
