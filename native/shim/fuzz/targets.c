#include "fuzz.h"

#include "args.h"
#include "bootstrap.h"
#include "bundle.h"
#include "cgroup.h"
#include "exec-spec.h"
#include "frame.h"
#include "identifier.h"
#include "json.h"
#include "options.h"
#include "request.h"
#include "uri.h"
#include "wire.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint32_t number32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The next frame must be what stands at `*at`, and is passed. */
static void expect_frame(struct frame_reader *r, struct bytes in, size_t *at)
{
	HOLDS(in.len - *at >= FRAME_HEADER);
	const uint8_t *p = in.data + *at;
	uint32_t length = number32(p);
	HOLDS(r->frame.length == length && r->frame.stream == number32(p + 4));
	HOLDS(r->frame.type == p[8] && r->frame.flags == p[9] && in.len - *at - FRAME_HEADER >= length);
	HOLDS(r->too_long == (length > FRAME_MAX));
	HOLDS(r->too_long || memcmp(r->body, p + FRAME_HEADER, length) == 0);
	*at += FRAME_HEADER + length;
	frame_next(r);
}

/* Whatever comes on a connection, in whatever pieces. */
static void run_frames(struct bytes in)
{
	int fds[2];
	struct frame_reader r = { 0 };
	size_t sent = 0, at = 0;
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	while (sent < in.len) {
		size_t piece = 1 + in.data[sent] * 37u;
		ssize_t n = send(fds[0], in.data + sent, piece < in.len - sent ? piece : in.len - sent, 0);
		HOLDS(n > 0);
		sent += (size_t)n;
		enum frame_result result;
		while ((result = frame_read(&r, fds[1])) == FRAME_READY)
			expect_frame(&r, in, &at);
		HOLDS(result == FRAME_AGAIN);
	}
	HOLDS(in.len - at < FRAME_HEADER || in.len - at - FRAME_HEADER < number32(in.data + at));
	close(fds[0]);
	HOLDS(frame_read(&r, fds[1]) == FRAME_CLOSED);
	frame_next(&r);
	close(fds[1]);
}

static void run_requests(struct bytes in)
{
	static const struct request_field *const tables[] = {
		fields_id,   fields_create,   fields_process,    fields_exec,   fields_resize,
		fields_kill, fields_close_io, fields_checkpoint, fields_update, fields_shutdown,
	};
	struct pb_reader whole = pb_read(in);
	struct pb_field f;
	while (pb_next(&whole, &f))
		;
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		struct request r;
		struct err e = { 0 };
		int rc = request_decode(&r, tables[i], in, &e);
		HOLDS(rc == 0 || e.code == CODE_INVALID_ARGUMENT);
		HOLDS(rc < 0 || !whole.bad);
		HOLDS(r.id && r.exec_id && r.bundle && r.in && r.out && r.err && r.any_type);
		for (size_t m = 0; rc == 0 && m < r.rootfs_count; m++) {
			struct mount_flags flags = { 0 };
			if (mount_options(&r.rootfs[m], &flags, &e) == 0)
				HOLDS(flags.data.len == 0 || flags.data.data[flags.data.len - 1] == 0);
			buf_free(&flags.data);
		}
		(void)identifier_valid(r.id);
		request_free(&r);
	}
}

static void run_json(struct bytes in)
{
	struct json j = json_read(in.data, in.len);
	struct bytes text = json_skip(&j);
	HOLDS(j.bad || (text.data >= in.data && text.data + text.len <= in.data + in.len));
	HOLDS(j.bad || json_valid(text.data, text.len));
	j = json_read(in.data, in.len);
	char *s = json_string(&j);
	if (s) {
		AUTO_BUF quoted = { 0 };
		json_quote(&quoted, s);
		struct json again = json_read(quoted.data, quoted.len);
		AUTO_FREE char *same = json_string(&again);
		HOLDS(same && strcmp(same, s) == 0);
	}
	free(s);
	char *key;
	j = json_read(in.data, in.len);
	for (bool first = true; json_member(&j, &first, &key); free(key))
		(void)json_u64(&j);
	j = json_read(in.data, in.len);
	for (bool first = true; json_element(&j, &first);)
		(void)json_true(&j);
}

static void run_config(struct bytes in)
{
	bool bad = false;
	AUTO_FREE char *group = config_group(in, &bad);
	HOLDS(bad || !group || strlen(group) < in.len);
	(void)config_private_pids(in);
	(void)config_poststart(in);
	AUTO_FREE char *root = config_root(in);
	HOLDS(!root || strlen(root) < in.len);
}

static void run_exec_spec(struct bytes in)
{
	for (int terminal = 0; terminal < 2; terminal++) {
		AUTO_BUF out = { 0 };
		struct err e = { 0 };
		if (exec_spec(in, terminal, &out, &e) < 0) {
			HOLDS(e.code == CODE_INVALID_ARGUMENT && out.len == 0);
			continue;
		}
		const char *begin = terminal ? "{\"terminal\":true" : "{\"terminal\":false";
		HOLDS(json_valid(out.data, out.len) && memcmp(out.data, begin, strlen(begin)) == 0);
		/* Nothing behind it can say otherwise. */
		AUTO_BUF again = { 0 };
		HOLDS(exec_spec((struct bytes){ out.data, out.len }, terminal, &again, &e) == 0);
		HOLDS(again.len == out.len && memcmp(again.data, out.data, out.len) == 0);
	}
}

static void run_options(struct bytes in)
{
	struct runc_options o;
	struct err e = { 0 };
	options_init(&o);
	int rc = options_decode(&o, in, &e);
	HOLDS(rc == 0 || e.code == CODE_INVALID_ARGUMENT);
	HOLDS(o.root && o.binary_name && o.shim_cgroup && o.criu_path && o.criu_image_path && o.criu_work_path);
	options_free(&o);
}

static void run_bootstrap(struct bytes in)
{
	static const char *const versions[] = { NULL, "2", "3", "x" };
	const struct args a = { .id = "c1", .namespace = "default", .address = "", .publish_binary = "", .bundle = "", .socket = "", .action = "start" };
	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		struct bootstrap b;
		struct err e = { 0 };
		int rc = bootstrap_parse(&b, in, &a, versions[i], &e);
		HOLDS(rc == 0 || e.code == CODE_INVALID_ARGUMENT);
		HOLDS(b.id && b.namespace && b.ttrpc && b.grpc && b.binary && b.socket_dir);
		AUTO_BUF out = { 0 };
		bootstrap_answer(b.answer, b.ttrpc, &out);
		bootstrap_free(&b);
	}
}

/* A path, a URI, a name: C strings. */
static void run_texts(struct bytes in)
{
	AUTO_FREE char *text = xstrndup(in.data ? (const char *)in.data : "", in.len);
	struct uri u;
	struct err e = { 0 };
	if (uri_parse(text, &u, &e) == 0) {
		HOLDS(u.path && (u.scheme == URI_FIFO || *u.path == '/'));
		HOLDS(!u.args || !u.args[u.arg_count]);
	} else {
		HOLDS(e.code == CODE_INVALID_ARGUMENT && !u.path && !u.args);
	}
	uri_free(&u);
	if (identifier_valid(text))
		HOLDS(strlen(text) <= 76 && !strchr(text, '/') && text[0] != '.' && !strstr(text, ".."));
	const struct cgroup cg = { .lines = text };
	AUTO_FREE char *dir = cgroup_dir(&cg, "memory");
	const struct cgroup unified = { .unified = true, .lines = text };
	AUTO_FREE char *dir2 = cgroup_dir(&unified, "");
}

/* The command line: words parted by newlines. */
static void run_args(struct bytes in)
{
	char *argv[64] = { (char[]){ "shim" } };
	int argc = 1;
	AUTO_FREE char *text = xstrndup(in.data ? (const char *)in.data : "", in.len);
	char *rest = text;
	for (char *word; argc < 63 && (word = strsep(&rest, "\n"));)
		argv[argc++] = word;
	struct args a;
	struct err e = { 0 };
	if (args_parse(&a, argc, argv, &e) == 0)
		HOLDS(a.id && a.namespace && a.address && a.bundle && a.action);
}

static const char *const wire_words[] = { "\x0a", "\x12", "\x1a", "\x22\x02rw", "\x52\x04\x0a\x02xy", "\x3a", NULL };
static const char *const json_words[] = {
	"{", "}", "[", "]", "\"", ":", ",", "null", "true", "\\u0000", "\\ud83d\\ude00", "\"terminal\":", "\"Terminal\":", "\"annotations\":",
	"\"linux\":", "\"namespaces\":", "\"type\":\"pid\"", "\"path\":", "\"hooks\":", "\"poststart\":[", "io.kubernetes.cri.sandbox-id", NULL,
};
static const char *const text_words[] = { "binary://", "file://", "fifo://", "/", "?", "&", "=", "%00", "%2f", "+", ":memory:/", "0::/", "\n", "..", NULL };
static const char *const arg_words[] = { "-id\n", "--namespace=", "-address\n", "-bundle\n", "start", "delete", "--\n", "-debug\n", "-v\n", NULL };

const struct target targets[] = {
	{ "shim-frames", run_frames, wire_words },
	{ "shim-requests", run_requests, wire_words },
	{ "shim-json", run_json, json_words },
	{ "shim-config", run_config, json_words },
	{ "shim-exec-spec", run_exec_spec, json_words },
	{ "shim-options", run_options, wire_words },
	{ "shim-bootstrap", run_bootstrap, wire_words },
	{ "shim-texts", run_texts, text_words },
	{ "shim-args", run_args, arg_words },
	{ 0 },
};
