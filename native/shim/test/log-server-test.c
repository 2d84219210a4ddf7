/* Drivers that send, against servers made here. */
#include "check.h"
#include "log-driver.h"
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct shim shim = { .log = { .fd = -1 } };
static int readied;
static char directory[] = "/tmp/berth-log-test-XXXXXX";
static uint8_t room[LOG_ROOM];

#define HOST 65

static void on_ready(void *owner)
{
	(void)owner;
	readied++;
}

static struct log_sink *sink_of(const char *text, struct err *e)
{
	static struct uri u;
	uri_free(&u);
	CHECK(uri_parse(text, &u, e) == 0);
	struct log_options o = { .uri = &u, .container = "0123456789abcdef" };
	struct log_sink *k = log_open_sink(&shim, &o, e);
	if (k)
		k->ready = on_ready;
	uri_free(&u);
	return k;
}

static struct log_sink *opened(const char *text)
{
	struct err e = { 0 };
	struct log_sink *k = sink_of(text, &e);
	if (!k)
		fprintf(stderr, "%s: %s\n", text, e.msg);
	CHECK(k);
	return k;
}

static void say(struct log_sink *k, struct log_line line, const char *text)
{
	line.text = (struct bytes){ (const uint8_t *)text, strlen(text) };
	line.at = (struct timespec){ 1704067200, 123456789 };
	k->driver->begin(k, room);
	k->driver->add(k, &line);
	k->driver->flush(k);
}

static const struct log_line whole = { .stream = 1, .last = true }, whole_err = { .stream = 2, .last = true };

static int serve_at(struct sockaddr *at, socklen_t len, int type)
{
	int fd = socket(at->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	CHECK(fd >= 0 && bind(fd, at, len) == 0 && (type == SOCK_DGRAM || listen(fd, 8) == 0));
	return fd;
}

static int serve_path(const char *name, int type)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", directory, name);
	unlink(at.sun_path);
	return serve_at((struct sockaddr *)&at, sizeof(at), type);
}

static int serve_port(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = serve_at((struct sockaddr *)&at, len, SOCK_STREAM);
	CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static int accepted(int listener)
{
	CHECK(co_wait_fd(shim.loop, listener, EPOLLIN, 10000));
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

/* What comes next on a socket, as a string in which bytes below space are dots, but for newlines. */
static char *received(int fd)
{
	static char text[70000];
	CHECK(co_wait_fd(shim.loop, fd, EPOLLIN, 10000));
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
	CHECK(n >= 0);
	for (ssize_t i = 0; i < n; i++)
		if ((uint8_t)text[i] < ' ' && text[i] != '\n')
			text[i] = '.';
	text[n] = 0;
	return text;
}

static void journald(void)
{
	int fd = serve_path("journal", SOCK_DGRAM);
	AUTO_FREE char *uri = xprintf("log://journald?socket=unixgram://%s/journal&container-name=nm&image-name=im&tag=tg&attrs={\"my.key\":\"v1\",\"_X\":\"a%%5Cnb\",\"n\":1}", directory);
	struct log_sink *k = opened(uri);
	say(k, whole, "hello = there");
	CHECK_STR(received(fd), "PRIORITY=6\nMESSAGE=hello = there\nCONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=0123456789abcdef\nCONTAINER_NAME=nm\n"
				"CONTAINER_TAG=tg\nIMAGE_NAME=im\nSYSLOG_IDENTIFIER=tg\nMY_KEY=v1\nX\n........a\nb\n");
	say(k, (struct log_line){ .stream = 2, .part = 1, .id = "ii" }, "part");
	char *part = received(fd);
	CHECK(strstr(part, "PRIORITY=3\nMESSAGE=part\nCONTAINER_PARTIAL_MESSAGE=true\nCONTAINER_PARTIAL_ID=ii\n") == part);
	CHECK(k->driver->settled(k));
	k->driver->close(k);
	close(fd);
}

/* Nobody reads: it is kept, up to a limit, and given in order once somebody does. */
static void a_slow_server_holds_up(void)
{
	int fd = serve_path("slow", SOCK_DGRAM);
	AUTO_FREE char *uri = xprintf("log://journald?socket=unixgram://%s/slow&max-buffer-size=100000", directory);
	struct log_sink *k = opened(uri);
	int sent = 0, got = 0;
	for (; !k->driver->busy(k) && sent < 100000; sent++) {
		AUTO_FREE char *text = xprintf("line %d", sent);
		say(k, whole, text);
	}
	CHECK(sent > 100 && sent < 100000 && !k->driver->settled(k));
	readied = 0;
	for (; got < sent; got++) {
		AUTO_FREE char *want = xprintf("PRIORITY=6\nMESSAGE=line %d\n", got);
		CHECK(strncmp(received(fd), want, strlen(want)) == 0);
	}
	CHECK(readied > 0 && !k->driver->busy(k) && k->driver->settled(k));
	k->driver->close(k);
	AUTO_FREE char *never = xprintf("%s&mode=non-blocking", uri);
	k = opened(never);
	for (int i = 0; i < 5000; i++)
		say(k, whole, "more than fits");
	CHECK(!k->driver->busy(k));
	k->driver->close(k);
	close(fd);
}

static void says(int fd, const char *format, const char *want)
{
	AUTO_FREE char *uri = xprintf("log://syslog?syslog-address=unixgram://%s/syslog&tag=tg&syslog-facility=local0&syslog-format=%s", directory, format);
	char host[HOST] = "";
	gethostname(host, sizeof(host) - 1);
	AUTO_FREE char *pid = xprintf("%d", (int)getpid());
	struct log_sink *k = opened(uri);
	say(k, whole_err, "text <&>");
	AUTO_FREE char *got = xstrdup(received(fd));
	k->driver->close(k);
	/* %h and %p in what is wanted. */
	AUTO_BUF b = { 0 };
	for (; *want; want++) {
		if (*want == '%')
			buf_str(&b, *++want == 'h' ? host : pid);
		else
			buf_add(&b, want, 1);
	}
	buf_add(&b, "", 1);
	CHECK_STR(got, (char *)b.data);
}

static void syslog_forms(void)
{
	int fd = serve_path("syslog", SOCK_DGRAM);
	setenv("TZ", "UTC", 1);
	tzset();
	says(fd, "", "<131>Jan  1 00:00:00 tg[%p]: text <&>\n");
	says(fd, "rfc3164", "<131>Jan  1 00:00:00 %h tg[%p]: text <&>\n");
	says(fd, "rfc5424", "<131>1 2024-01-01T00:00:00Z %h tg %p tg - text <&>\n");
	setenv("TZ", "XXX-5:30", 1);
	tzset();
	says(fd, "rfc5424micro", "<131>1 2024-01-01T05:30:00.123456+05:30 %h tg %p tg - text <&>\n");
	close(fd);
	struct err e = { 0 };
	AUTO_FREE char *unknown = xprintf("log://syslog?syslog-address=unix://%s/x&syslog-facility=nobody", directory);
	CHECK(!sink_of(unknown, &e) && e.code == CODE_INVALID_ARGUMENT && strstr(e.msg, "facility nobody"));
}

static void a_server_that_comes_back(void)
{
	uint16_t port = 0;
	int listener = serve_port(&port);
	AUTO_FREE char *uri = xprintf("log://syslog?syslog-address=tcp://127.0.0.1:%u&tag=tg", port);
	struct log_sink *k = opened(uri);
	int fd = accepted(listener);
	say(k, whole, "one");
	CHECK(strstr(received(fd), "]: one\n"));
	close(fd);
	close(listener);
	co_sleep(shim.loop, 20);
	say(k, whole, "two");
	say(k, whole, "three");
	CHECK(!k->driver->busy(k) && !k->driver->settled(k));
	listener = serve_port(&port);
	fd = accepted(listener);
	char *text = received(fd);
	CHECK(strstr(text, "]: two\n") && strstr(text, "]: three\n") && k->driver->settled(k));
	k->driver->close(k);
	close(fd);
	close(listener);
}

static void fluentd(void)
{
	int listener = serve_path("fluentd", SOCK_STREAM);
	AUTO_FREE char *uri = xprintf("log://fluentd?fluentd-address=unix://%s/fluentd&container-name=nm&tag=tg&attrs={\"k\":\"v\"}", directory);
	struct log_sink *k = opened(uri);
	int fd = accepted(listener);
	say(k, whole, "hello");
	CHECK_STR(received(fd), "\x93\xa2tg\xd3....e\x92.\x80\xde..\xac" "container_id\xb0" "0123456789abcdef\xae" "container_name\xa2nm\xa1k\xa1v\xa6source\xa6stdout\xa3log\xa5hello");
	k->driver->close(k);
	close(fd);
	AUTO_FREE char *precise = xprintf("%s&fluentd-sub-second-precision=true", uri);
	k = opened(precise);
	fd = accepted(listener);
	say(k, (struct log_line){ .stream = 2, .part = 2, .last = true, .id = "ii" }, "rest");
	char *text = received(fd);
	CHECK(strncmp(text, "\x93\xa2tg\xd7.e\x92.\x80.[\xcd.\xde..", 16) == 0);
	CHECK(strstr(text, "\xa6stderr\xa3log\xa4rest\xafpartial_message\xa4true\xaapartial_id\xa2ii\xafpartial_ordinal\xa1" "2\xacpartial_last\xa4true"));
	k->driver->close(k);
	close(fd);
	close(listener);
}

/* Asked to be sure, the process waits; asked not to, lines are lost. */
static void fluentd_without_a_server(void)
{
	struct err e = { 0 };
	uint16_t port = 0;
	int listener = serve_port(&port);
	AUTO_FREE char *uri = xprintf("log://fluentd?fluentd-address=localhost:%u&fluentd-buffer-limit=1000", port);
	struct log_sink *k = opened(uri);
	int fd = accepted(listener);
	close(fd);
	close(listener);
	co_sleep(shim.loop, 20);
	CHECK(!sink_of(uri, &e) && strstr(e.msg, "onnection refused"));
	AUTO_FREE char *async = xprintf("%s&fluentd-async=true", uri);
	struct log_sink *other = opened(async);
	int n = 0;
	for (; !k->driver->busy(k) && n < 1000; n++)
		say(k, whole, "kept");
	CHECK(n > 2 && n < 100);
	for (int i = 0; i < 1000; i++)
		say(other, whole, "kept or lost");
	CHECK(!other->driver->busy(other));
	listener = serve_port(&port);
	for (int i = 0; i < 2; i++) {
		fd = accepted(listener);
		int seen = 0;
		char *text = received(fd);
		for (char *at = text; (at = strstr(at, "kept")); at++)
			seen++;
		CHECK(strstr(text, "or lost") ? seen > 2 && seen < 100 : seen == n);
		close(fd);
	}
	CHECK(!k->driver->busy(k));
	k->driver->close(k);
	other->driver->close(other);
	close(listener);
}

static void run(void *arg)
{
	(void)arg;
	journald();
	a_slow_server_holds_up();
	syslog_forms();
	a_server_that_comes_back();
	fluentd();
	fluentd_without_a_server();
	loop_stop(shim.loop);
}

int main(void)
{
	CHECK(mkdtemp(directory));
	shim.loop = loop_new();
	CHECK(co_start(shim.loop, run, NULL));
	loop_run(shim.loop);
	loop_free(shim.loop);
	AUTO_FREE char *clean = xprintf("rm -rf %s", directory);
	CHECK(system(clean) == 0);
	puts("log servers: ok");
	return 0;
}
