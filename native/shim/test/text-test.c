#include "args.h"
#include "bootstrap.h"
#include "cgroup.h"
#include "check.h"
#include "identifier.h"
#include "mount.h"
#include "sha256.h"
#include "socket.h"
#include "uri.h"
#include "wire.h"

#include <sys/mount.h>

static void sha256_of_known_texts(void)
{
	char hex[65], long_text[200];
	sha256_hex("", 0, hex);
	CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_hex("abc", 3, hex);
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	memset(long_text, 'a', sizeof(long_text));
	sha256_hex(long_text, 119, hex); /* padding reaches into a second block */
	CHECK_STR(hex, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb");
}

static void identifiers(void)
{
	static const char *const good[] = { "a", "a-b_c.d", "0", "A1" };
	static const char *const bad[] = { "", ".", "..", "a/b", "-a", "a-", "a--b", "a b", "../x" };
	for (size_t i = 0; i < COUNT_OF(good); i++)
		CHECK(identifier_valid(good[i]));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(!identifier_valid(bad[i]));
	char name[78];
	memset(name, 'x', 77);
	name[76] = 0;
	CHECK(identifier_valid(name));
	name[76] = 'x';
	name[77] = 0;
	CHECK(!identifier_valid(name));
}

static void uris(void)
{
	struct uri u;
	struct err e;
	CHECK(uri_parse("/run/x-stdout", &u, &e) == 0 && u.scheme == URI_FIFO);
	CHECK_STR(u.path, "/run/x-stdout");
	uri_free(&u);
	CHECK(uri_parse("binary:///bin/lo%20g?k=a%26b+c&flag&empty=", &u, &e) == 0 && u.scheme == URI_BINARY);
	CHECK_STR(u.path, "/bin/lo g");
	CHECK(u.arg_count == 4);
	CHECK_STR(u.args[1], "a&b c");
	CHECK_STR(u.args[3], "empty");
	CHECK(!u.says_ready);
	uri_free(&u);
	CHECK(uri_parse("binary-v2:///l", &u, &e) == 0 && u.scheme == URI_BINARY && u.says_ready);
	uri_free(&u);
	static const char *const bad[] = { "file://host/x", "file://", "http://x/y", "file:///a%0", "file:///a%zz",
					   "file:///a%00b", "binary:///x?%", "binary://?x" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(uri_parse(bad[i], &u, &e) < 0 && e.code == CODE_INVALID_ARGUMENT);
}

static void mount_words(void)
{
	char *options[] = { (char *)"rbind", (char *)"ro", (char *)"nosuid", (char *)"rslave", (char *)"index=off", (char *)"lowerdir=/a:/b" };
	struct mount m = { .options = options, .option_count = COUNT_OF(options) };
	struct mount_flags f;
	struct err e;
	CHECK(mount_options(&m, &f, &e) == 0);
	CHECK(f.flags == (MS_BIND | MS_REC | MS_RDONLY | MS_NOSUID) && f.propagation == (MS_SLAVE | MS_REC));
	CHECK_STR((char *)f.data.data, "index=off,lowerdir=/a:/b");
	CHECK(!f.loop);
	buf_free(&f.data);
	options[0] = (char *)"loop";
	CHECK(mount_options(&m, &f, &e) == 0 && f.loop && f.flags == (MS_RDONLY | MS_NOSUID));
	CHECK_STR((char *)f.data.data, "index=off,lowerdir=/a:/b");
	buf_free(&f.data);
	options[0] = (char *)"uidmap=0:1:2";
	CHECK(mount_options(&m, &f, &e) < 0 && e.code == CODE_INVALID_ARGUMENT);
	buf_free(&f.data);
}

static void command_lines(void)
{
	struct args a;
	struct err e;
	char *good[] = { (char *)"shim", (char *)"-namespace", (char *)"ns", (char *)"--id=x", (char *)"-debug", (char *)"-address", (char *)"", (char *)"start", NULL };
	CHECK(args_parse(&a, 8, good, &e) == 0 && a.debug);
	CHECK_STR(a.id, "x");
	CHECK_STR(a.action, "start");
	char *unknown[] = { (char *)"shim", (char *)"-nope", NULL };
	CHECK(args_parse(&a, 2, unknown, &e) < 0);
	char *cut[] = { (char *)"shim", (char *)"-id", NULL };
	CHECK(args_parse(&a, 2, cut, &e) < 0);
}

static void start_input(const struct buf *in, const char *max, enum answer want, const char *cgroup)
{
	struct args a = { .namespace = "ns", .id = "c1" };
	struct bootstrap b;
	struct err e = { 0 };
	CHECK(bootstrap_parse(&b, (struct bytes){ in->data, in->len }, &a, max, &e) == 0);
	CHECK(b.answer == want);
	CHECK_STR(b.options.shim_cgroup, cgroup);
	bootstrap_free(&b);
}

static void both_generations_of_start_input(void)
{
	AUTO_BUF any = { 0 };
	AUTO_BUF params = { 0 };
	AUTO_BUF short_params = { 0 };
	AUTO_BUF none = { 0 };
	struct buf options = { 0 }, ext = { 0 };
	pb_str(&options, 3, "/shims");
	pb_str(&any, 1, "containerd.runc.v1.Options");
	pb_bytes(&any, 2, options.data, options.len);
	pb_str(&params, 1, "c1");
	pb_str(&params, 2, "ns");
	pb_any(&ext, 1, "containerd.runc.v1.Options", options.data, options.len);
	pb_msg(&params, 8, &ext);
	pb_str(&short_params, 1, "c1");
	pb_str(&short_params, 2, "ns");
	start_input(&none, NULL, ANSWER_ADDRESS, "");
	start_input(&none, "2", ANSWER_ADDRESS, "");
	start_input(&none, "3", ANSWER_JSON, "");
	start_input(&any, NULL, ANSWER_ADDRESS, "/shims");
	start_input(&params, NULL, ANSWER_RESULT, "/shims");
	start_input(&short_params, NULL, ANSWER_RESULT, "");
	struct args a = { .namespace = "ns", .id = "c1" };
	struct bootstrap b;
	struct err e = { 0 };
	CHECK(bootstrap_parse(&b, BYTES("garbage"), &a, NULL, &e) < 0 && e.code == CODE_INVALID_ARGUMENT);
	bootstrap_free(&b);
	buf_free(&options);
}

static void a_socket_is_named_for_daemon_namespace_and_group(void)
{
	char hex[65];
	sha256_hex("/run/c.sock/ns/pod", 18, hex);
	AUTO_FREE char *want = xprintf("/run/containerd/s/%s", hex);
	AUTO_FREE char *got = socket_path("", "/run/c.sock", "ns", "pod");
	CHECK_STR(got, want);
}

int main(void)
{
	sha256_of_known_texts();
	identifiers();
	uris();
	mount_words();
	command_lines();
	both_generations_of_start_input();
	a_socket_is_named_for_daemon_namespace_and_group();
	puts("text: ok");
	return 0;
}
