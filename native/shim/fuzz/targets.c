#include "fuzz.h"

#include "args.h"
#include "attach-frame.h"
#include "bootstrap.h"
#include "bundle.h"
#include "cgroup.h"
#include "exec-spec.h"
#include "frame.h"
#include "identifier.h"
#include "json.h"
#include "log-address.h"
#include "log-json.h"
#include "log-lines.h"
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
		HOLDS(u.path && (u.scheme == URI_FIFO || u.scheme == URI_LOG ? true : *u.path == '/'));
		HOLDS(!u.args || !u.args[u.arg_count]);
		HOLDS(u.scheme != URI_LOG || u.arg_count % 2 == 0);
	} else {
		HOLDS(e.code == CODE_INVALID_ARGUMENT && !u.path && !u.args);
	}
	uri_free(&u);
	if (identifier_valid(text))
		HOLDS(strlen(text) <= 76 && !strchr(text, '/') && text[0] != '.' && !strstr(text, ".."));
	struct log_address address;
	HOLDS(log_address_parse(text, 1, &address, &e) == 0 ? address.len > 0 : e.code == CODE_INVALID_ARGUMENT);
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

struct input {
	struct buf bytes;
	int ends;
};

static void take_input(void *to, int kind, struct bytes piece)
{
	struct input *in = to;
	HOLDS(kind == ATTACH_INPUT || (kind == ATTACH_INPUT_END && piece.len == 0));
	in->ends += kind == ATTACH_INPUT_END;
	buf_add(&in->bytes, piece.data, piece.len);
}

/* A byte at a time gives what all at once gives. */
static void run_attach(struct bytes in)
{
	struct attach_reader whole = { 0 }, bytewise = { 0 };
	struct input a = { 0 }, b = { 0 };
	bool good = attach_read(&whole, in, take_input, &a), still = true;
	for (size_t i = 0; still && i < in.len; i++)
		still = attach_read(&bytewise, (struct bytes){ in.data + i, 1 }, take_input, &b);
	HOLDS(good == still && a.ends == b.ends && a.bytes.len == b.bytes.len);
	HOLDS(a.bytes.len == 0 || memcmp(a.bytes.data, b.bytes.data, a.bytes.len) == 0);
	HOLDS(!good || (whole.left == bytewise.left && whole.have == bytewise.have));
	buf_free(&a.bytes);
	buf_free(&b.bytes);
}

/* It is JSON that says the same; what is no UTF-8 is replaced, so that doing it again changes nothing more. */
static void run_log_text(struct bytes in)
{
	AUTO_BUF quoted = { 0 };
	AUTO_BUF out = { 0 };
	size_t most = in.len * LOG_JSON_GROWTH + LOG_JSON_SLACK;
	out.data = xalloc(most);
	out.len = (size_t)(log_json_text(out.data, in.data ? in : (struct bytes){ out.data, 0 }) - out.data);
	HOLDS(out.len <= in.len * LOG_JSON_GROWTH);
	buf_str(&quoted, "\"");
	buf_add(&quoted, out.data, out.len);
	buf_str(&quoted, "\"");
	HOLDS(json_valid(quoted.data, quoted.len));
	for (size_t i = 0; i < out.len; i++)
		HOLDS(out.data[i] >= 0x20 && !strchr("<>&", out.data[i]));
	struct json j = json_read(quoted.data, quoted.len);
	AUTO_FREE char *text = json_string(&j);
	if (!text) /* it has a NUL */
		return;
	AUTO_BUF again = { 0 };
	again.data = xalloc(strlen(text) * LOG_JSON_GROWTH + LOG_JSON_SLACK);
	again.len = (size_t)(log_json_text(again.data, (struct bytes){ (uint8_t *)text, strlen(text) }) - again.data);
	buf_free(&quoted);
	buf_str(&quoted, "\"");
	buf_add(&quoted, again.data, again.len);
	buf_str(&quoted, "\"");
	j = json_read(quoted.data, quoted.len);
	AUTO_FREE char *same = json_string(&j);
	HOLDS(same && strcmp(same, text) == 0);
}

static void take_line(void *to, const struct log_line *line)
{
	struct buf *b = to;
	HOLDS(line->text.len <= LOG_LINE_MAX && (line->text.len == 0 || !memchr(line->text.data, '\n', line->text.len)));
	HOLDS(line->last || line->part);
	buf_add(b, line->text.data, line->text.len);
	if (line->last)
		buf_str(b, "\n");
}

/* Nothing is lost, in whatever pieces it comes. */
static void run_log_lines(struct bytes in)
{
	AUTO_BUF out = { 0 };
	struct log_lines l = { .stream = 1 };
	for (size_t at = 0, piece; at < in.len; at += piece) {
		piece = 1 + in.data[at] * 97u;
		piece = piece < in.len - at ? piece : in.len - at;
		log_lines_add(&l, (struct bytes){ in.data + at, piece }, (struct timespec){ 0 }, take_line, &out);
	}
	log_lines_end(&l, (struct timespec){ 0 }, take_line, &out);
	HOLDS(out.len == in.len && (in.len == 0 || memcmp(out.data, in.data, in.len) == 0));
}

static const char *const wire_words[] = { "\x0a", "\x12", "\x1a", "\x22\x02rw", "\x52\x04\x0a\x02xy", "\x3a", NULL };
static const char *const json_words[] = {
	"{", "}", "[", "]", "\"", ":", ",", "null", "true", "\\u0000", "\\ud83d\\ude00", "\"terminal\":", "\"Terminal\":", "\"annotations\":",
	"\"linux\":", "\"namespaces\":", "\"type\":\"pid\"", "\"path\":", "\"hooks\":", "\"poststart\":[", "io.kubernetes.cri.sandbox-id", NULL,
};
static const char *const text_words[] = { "binary://", "file://", "fifo://", "log://", "json-file", "attach:///", "tcp://127.0.0.1:1", "[::1]", "/", "?", "&", "=", "%00", "%2f", "+", ":memory:/", "0::/", "\n", "..", NULL };
static const char *const attach_words[] = { "\1", "\2", "\5hello", "\xff\xff", NULL };
static const char *const log_words[] = { "\n", "\xe2\x80\xa8", "\xed\xa0\x80", "\xf0\x9f\x98\x80", "\xff", "<", ">", "&", "\"", "\\", "\x1b[0m", NULL };
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
	{ "shim-attach", run_attach, attach_words },
	{ "shim-log-text", run_log_text, log_words },
	{ "shim-log-lines", run_log_lines, log_words },
	{ 0 },
};
