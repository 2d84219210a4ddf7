#include "attach-frame.h"
#include "check.h"
#include "log-address.h"
#include "log-json.h"
#include "log-lines.h"
#include "uri.h"

#include <arpa/inet.h>

static void escaped(struct bytes in, const char *want)
{
	uint8_t out[512];
	uint8_t *end = log_json_text(out, in);
	CHECK(in.len * LOG_JSON_GROWTH + LOG_JSON_SLACK <= sizeof(out));
	*end = 0;
	CHECK_STR((char *)out, want);
}

static void text_is_escaped_as_docker_does_it(void)
{
	escaped(BYTES(""), "");
	escaped(BYTES("plain text that is longer than eight bytes"), "plain text that is longer than eight bytes");
	escaped(BYTES("\"\\\n\r\t\b\f/"), "\\\"\\\\\\n\\r\\u0009\\u0008\\u000c/");
	escaped(BYTES("a<b>c&d='"), "a\\u003cb\\u003ec\\u0026d='");
	escaped(BYTES("\x1b[0m\x7f"), "\\u001b[0m\x7f");
	escaped(BYTES("x\0y"), "x\\u0000y");
	escaped(BYTES("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
	escaped(BYTES("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"), "\\u2028\\u2029\xe2\x80\xaa");
	/* Each byte of what is no character by itself: overlong, surrogates, beyond the last, cut off. */
	escaped(BYTES("\xff\x80"), "\\ufffd\\ufffd");
	escaped(BYTES("\xc0\xaf"), "\\ufffd\\ufffd");
	escaped(BYTES("\xe0\x9f\xbf"), "\\ufffd\\ufffd\\ufffd");
	escaped(BYTES("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");
	escaped(BYTES("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");
	escaped(BYTES("\xe2\x82"), "\\ufffd\\ufffd");
	escaped(BYTES("\xe2\x82\""), "\\ufffd\\ufffd\\\"");
	escaped(BYTES("\xef\xbf\xbd"), "\xef\xbf\xbd");
}

/* Wherever it stands among eight bytes. */
static void each_byte_is_seen_at_each_place(void)
{
	for (int c = 0; c < 256; c++)
		for (size_t at = 0; at < 17; at++) {
			uint8_t in[17], out[256];
			memset(in, 'a', sizeof(in));
			in[at] = (uint8_t)c;
			size_t n = (size_t)(log_json_text(out, (struct bytes){ in, sizeof(in) }) - out);
			bool plain = c >= 0x20 && c < 0x80 && !strchr("\"\\<>&", c);
			CHECK(plain == (n == sizeof(in) && memcmp(in, out, n) == 0));
		}
}

static void times(void)
{
	char out[40];
	CHECK(log_json_time(out, (struct timespec){ 1704067200, 0 }) == 20);
	CHECK_STR(out, "2024-01-01T00:00:00Z");
	log_json_time(out, (struct timespec){ 1704067200, 120000000 });
	CHECK_STR(out, "2024-01-01T00:00:00.12Z");
	log_json_time(out, (struct timespec){ 1704067209, 1 });
	CHECK_STR(out, "2024-01-01T00:00:09.000000001Z");
	log_json_time(out, (struct timespec){ 1704067210, 0 });
	CHECK_STR(out, "2024-01-01T00:00:10Z");
}

struct seen {
	struct buf text; /* |part:length for a part, |:text for a line */
	int lines;
	time_t began; /* the first part of a line */
};

static void see(void *to, const struct log_line *line)
{
	struct seen *s = to;
	if (line->part)
		buf_printf(&s->text, "|%llu%s%zu", (unsigned long long)line->part, line->last ? "." : "+", line->text.len);
	else
		buf_printf(&s->text, "|%.*s", (int)line->text.len, (const char *)line->text.data);
	CHECK(line->stream == 1 && (line->part > 0) == (line->id != NULL) && (line->last || line->part));
	if (line->part == 1)
		s->began = line->at.tv_sec;
	CHECK(line->part < 2 || line->at.tv_sec == s->began);
	s->lines++;
}

static void cut(const size_t *pieces, size_t count, const char *data, const char *want)
{
	struct seen s = { 0 };
	struct log_lines l = { .stream = 1 };
	size_t at = 0;
	for (size_t i = 0; i < count; at += pieces[i++])
		log_lines_add(&l, (struct bytes){ (const uint8_t *)data + at, pieces[i] }, (struct timespec){ 100 + (long)i, 0 }, see, &s);
	log_lines_end(&l, (struct timespec){ 200, 0 }, see, &s);
	buf_add(&s.text, "", 1);
	CHECK_STR((char *)s.text.data, want);
	CHECK(l.held.data == NULL && l.parts == 0);
	buf_free(&s.text);
}

static void lines_are_cut_where_docker_cuts_them(void)
{
	cut((size_t[]){ 8 }, 1, "one\ntwo\n", "|one|two");
	cut((size_t[]){ 2, 1, 2, 3 }, 4, "one\ntwo\n", "|one|two");
	cut((size_t[]){ 3 }, 1, "\n\na", "|||1+1");
	AUTO_FREE char *big = xalloc(50001);
	memset(big, 'x', 50000);
	big[50000] = '\n';
	cut((size_t[]){ 50001 }, 1, big, "|1+16384|2+16384|3+16384|4.848");
	cut((size_t[]){ 10000, 10000, 10000, 20001 }, 4, big, "|1+16384|2+16384|3+16384|4.848");
	cut((size_t[]){ 50000 }, 1, big, "|1+16384|2+16384|3+16384|4+848");
	cut((size_t[]){ 16385 }, 1, big + 50001 - 16385, "|1+16384|2.0");
	struct seen s = { 0 };
	struct log_lines l = { .stream = 1 };
	log_lines_add(&l, (struct bytes){ (const uint8_t *)big + 50001 - 16384, 16384 }, (struct timespec){ 100, 0 }, see, &s);
	CHECK(s.lines == 1 && s.text.len == 16384); /* with the bar; a line of its own */
	buf_free(&s.text);
}

static void take(void *to, int kind, struct bytes piece)
{
	struct buf *b = to;
	if (kind == ATTACH_INPUT_END)
		buf_str(b, "END");
	else
		buf_printf(b, "<%.*s>", (int)piece.len, piece.len ? (const char *)piece.data : "");
}

static void frames_of_clients(void)
{
	static const char data[] = "\0\0\0\0\3abc\0\0\0\0\0\1\0\0\0\0";
	AUTO_BUF whole = { 0 };
	AUTO_BUF bytewise = { 0 };
	struct attach_reader r = { 0 };
	CHECK(attach_read(&r, BYTES(data), take, &whole));
	buf_add(&whole, "", 1);
	CHECK_STR((char *)whole.data, "<><abc><>END");
	for (size_t i = 0; i < sizeof(data) - 1; i++)
		CHECK(attach_read(&r, (struct bytes){ (const uint8_t *)data + i, 1 }, take, &bytewise));
	buf_add(&bytewise, "", 1);
	CHECK_STR((char *)bytewise.data, "<><a><b><c><>END");
	CHECK(!attach_read(&r, BYTES("\2\0\0\0\0"), take, &whole));
	r = (struct attach_reader){ 0 };
	CHECK(!attach_read(&r, BYTES("\1\0\0\0\1"), take, &whole));
	r = (struct attach_reader){ 0 };
	CHECK(attach_read(&r, BYTES("\0\xff\xff\xff\xffx"), take, &whole) && r.left == 0xfffffffe);
	uint8_t header[ATTACH_HEADER];
	attach_header(header, 2, 0x10203);
	CHECK(memcmp(header, "\2\0\1\2\3", 5) == 0);
}

static void log_uris(void)
{
	struct uri u;
	struct err e;
	CHECK(uri_parse("log://json-file?path=%2Fa%20b&max-size=&attach=/x", &u, &e) == 0 && u.scheme == URI_LOG);
	CHECK_STR(u.path, "json-file");
	CHECK(u.arg_count == 6);
	CHECK_STR(u.args[1], "/a b");
	CHECK_STR(u.args[3], "");
	CHECK_STR(u.args[5], "/x");
	uri_free(&u);
	CHECK(uri_parse("log://none", &u, &e) == 0 && u.arg_count == 0);
	uri_free(&u);
	CHECK(uri_parse("attach:///run/a%20b", &u, &e) == 0 && u.scheme == URI_ATTACH);
	CHECK_STR(u.path, "/run/a%20b");
	uri_free(&u);
	static const char *const bad[] = { "log://", "log://?path=/x", "log://x?a=%0", "attach://x", "attach://" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(uri_parse(bad[i], &u, &e) < 0 && e.code == CODE_INVALID_ARGUMENT);
}

static void addresses(void)
{
	struct log_address a;
	struct err e;
	CHECK(log_address_parse("unix:///run/x", 0, &a, &e) == 0 && a.type == SOCK_STREAM);
	CHECK_STR(((struct sockaddr_un *)&a.at)->sun_path, "/run/x");
	CHECK(log_address_parse("udp://127.0.0.1", 514, &a, &e) == 0 && a.type == SOCK_DGRAM);
	CHECK(((struct sockaddr_in *)&a.at)->sin_port == htons(514));
	CHECK(log_address_parse("tcp://[::1]:99", 514, &a, &e) == 0 && a.at.ss_family == AF_INET6);
	CHECK(((struct sockaddr_in6 *)&a.at)->sin6_port == htons(99));
	CHECK(log_address_parse("tcp://[::1]", 514, &a, &e) == 0 && a.at.ss_family == AF_INET6);
	CHECK(log_address_parse("tcp://localhost:7", 514, &a, &e) == 0 && a.at.ss_family == AF_INET);
	static const char *const bad[] = { "", "127.0.0.1", "tcp://", "tcp://host:1", "tcp://127.0.0.1:", "tcp://127.0.0.1:0", "tcp://127.0.0.1:65536",
					   "tcp://127.0.0.1:1x", "unix://x", "tls://127.0.0.1" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(log_address_parse(bad[i], 514, &a, &e) < 0 && e.code == CODE_INVALID_ARGUMENT);
	char path[200] = "unix:///";
	memset(path + 8, 'x', 150);
	CHECK(log_address_parse(path, 0, &a, &e) < 0);
}

int main(void)
{
	text_is_escaped_as_docker_does_it();
	each_byte_is_seen_at_each_place();
	times();
	lines_are_cut_where_docker_cuts_them();
	frames_of_clients();
	log_uris();
	addresses();
	puts("log: ok");
	return 0;
}
