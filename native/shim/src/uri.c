#include "uri.h"

#include <ctype.h>
#include <string.h>

#define ARGS_MAX 128

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL when an escape is bad or stands for NUL. */
static char *decode(const char *s, size_t n, bool query)
{
	char *out = xalloc(n + 1);
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (query && c == '+')
			c = ' ';
		if (s[i] == '%') {
			int hi = i + 2 < n ? hex(s[i + 1]) : -1;
			int lo = hi >= 0 ? hex(s[i + 2]) : -1;
			if (lo < 0 || hi * 16 + lo == 0) {
				free(out);
				return NULL;
			}
			c = (char)(hi * 16 + lo);
			i += 2;
		}
		out[at++] = c;
	}
	return out;
}

static size_t scheme_length(const char *s)
{
	size_t n = 0;
	if (!isalpha((unsigned char)*s))
		return 0;
	while (isalnum((unsigned char)s[n]) || (s[n] && strchr("+-.", s[n])))
		n++;
	return strncmp(s + n, "://", 3) == 0 ? n : 0;
}

static bool add_arg(struct uri *u, const char *s, size_t n)
{
	char *arg = decode(s, n, true);
	if (!arg || u->arg_count >= ARGS_MAX) {
		free(arg);
		return false;
	}
	u->args = xresize(u->args, (u->arg_count + 2) * sizeof(*u->args));
	u->args[u->arg_count++] = arg;
	u->args[u->arg_count] = NULL;
	return true;
}

static bool parse_query(struct uri *u, const char *q)
{
	bool pairs = u->scheme == URI_LOG;
	while (*q) {
		size_t n = strcspn(q, "&");
		const char *eq = memchr(q, '=', n);
		size_t key = eq ? (size_t)(eq - q) : n, value = eq ? n - key - 1 : 0;
		if (n > 0 && !add_arg(u, q, key))
			return false;
		if ((value > 0 || (pairs && n > 0)) && !add_arg(u, eq ? eq + 1 : "", value))
			return false;
		q += n + (q[n] == '&');
	}
	return true;
}

static int parse_rest(const char *text, const char *rest, struct uri *u, struct err *e)
{
	size_t n = strcspn(rest, "?");
	if (u->scheme == URI_LOG ? n == 0 : *rest != '/')
		return err_set(e, CODE_INVALID_ARGUMENT, "stdio uri %s: %s is needed: invalid argument", text,
			       u->scheme == URI_LOG ? "a driver" : "an absolute path");
	if (u->scheme == URI_ATTACH) {
		u->path = xstrdup(rest);
		return 0;
	}
	u->path = decode(rest, n, false);
	if (!u->path || (rest[n] == '?' && !parse_query(u, rest + n + 1)))
		return err_set(e, CODE_INVALID_ARGUMENT, "stdio uri %s: bad escape or too many arguments: invalid argument", text);
	return 0;
}

int uri_parse(const char *text, struct uri *u, struct err *e)
{
	static const struct {
		const char *name;
		enum uri_scheme scheme;
	} known[] = {
		{ "fifo", URI_FIFO },	     { "file", URI_FILE }, { "binary", URI_BINARY },
		{ "binary-v2", URI_BINARY }, { "log", URI_LOG },   { "attach", URI_ATTACH },
	};
	*u = (struct uri){ 0 };
	size_t n = scheme_length(text);
	if (n == 0) {
		u->path = xstrdup(text);
		return 0;
	}
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strlen(known[i].name) == n && strncasecmp(text, known[i].name, n) == 0) {
			u->scheme = known[i].scheme;
			u->says_ready = strcmp(known[i].name, "binary-v2") == 0;
			int rc = parse_rest(text, text + n + 3, u, e);
			if (rc < 0)
				uri_free(u);
			return rc;
		}
	return err_set(e, CODE_INVALID_ARGUMENT, "unknown STDIO scheme %.*s: invalid argument", (int)n, text);
}

void uri_free(struct uri *u)
{
	for (size_t i = 0; i < u->arg_count; i++)
		free(u->args[i]);
	free(u->args);
	free(u->path);
	*u = (struct uri){ 0 };
}
