#include "log-address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static int parse_path(const char *path, struct log_address *a, struct err *e)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->at;
	if (*path != '/' || strlen(path) >= sizeof(un->sun_path))
		return err_set(e, CODE_INVALID_ARGUMENT, "address %s: wanted an absolute path of less than %zu bytes: invalid argument", a->text, sizeof(un->sun_path));
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	a->len = sizeof(*un);
	return 0;
}

static bool set_host(const char *host, uint16_t port, struct log_address *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->at;
	if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		a->len = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	a->len = sizeof(*v6);
	return true;
}

static int parse_host(const char *text, uint16_t port, struct log_address *a, struct err *e)
{
	AUTO_FREE char *host = xstrdup(text);
	char *end = *host == '[' ? strchr(host, ']') : NULL, *colon = strrchr(end ? end : host, ':'), *rest = NULL;
	unsigned long given = port;
	if (colon) {
		*colon = 0;
		given = strtoul(colon + 1, &rest, 10);
	}
	if (end)
		*end = 0;
	if ((colon && (rest == colon + 1 || *rest)) || given == 0 || given > UINT16_MAX || !set_host(end ? host + 1 : host, (uint16_t)given, a))
		return err_set(e, CODE_INVALID_ARGUMENT, "address %s: wanted the number of a machine and of a port: invalid argument", a->text);
	return 0;
}

int log_address_parse(const char *text, uint16_t port, struct log_address *a, struct err *e)
{
	static const struct {
		const char *scheme;
		int type;
		bool host;
	} kinds[] = {
		{ "unix://", SOCK_STREAM, false },
		{ "unixgram://", SOCK_DGRAM, false },
		{ "tcp://", SOCK_STREAM, true },
		{ "udp://", SOCK_DGRAM, true },
	};
	*a = (struct log_address){ 0 };
	snprintf(a->text, sizeof(a->text), "%s", text);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		size_t n = strlen(kinds[i].scheme);
		if (strncmp(text, kinds[i].scheme, n) != 0)
			continue;
		a->type = kinds[i].type;
		return kinds[i].host ? parse_host(text + n, port, a, e) : parse_path(text + n, a, e);
	}
	return err_set(e, CODE_INVALID_ARGUMENT, "address %s: wanted unix://, unixgram://, tcp:// or udp://: invalid argument", a->text);
}
