#include "bundle.h"
#include "check.h"
#include "exec-spec.h"
#include "json.h"

static bool valid(const char *s)
{
	return json_valid(s, strlen(s));
}

static void what_is_json_and_what_is_not(void)
{
	static const char *const good[] = { "{}", "[]", " null ", "-1.5e3", "\"a\\u00e9\"", "[[],{},[{}]]",
					    "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":true}" };
	static const char *const bad[] = { "", "{", "[", "]", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]", "[1 2]",
					   "tru", "\"", "\"\\", "{a:1}", "{} {}", "\"\n\"", "[,1]", "{,}", "}" };
	for (size_t i = 0; i < COUNT_OF(good); i++)
		CHECK(valid(good[i]));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(!valid(bad[i]));
}

static void depth_costs_no_stack(void)
{
	size_t n = 4 << 20;
	char *deep = malloc(2 * n);
	memset(deep, '[', n);
	memset(deep + n, ']', n);
	CHECK(json_valid(deep, 2 * n));
	CHECK(!json_valid(deep, 2 * n - 1));
	CHECK(!config_private_pids((struct bytes){ (uint8_t *)deep, n }));
	free(deep);
}

static void strings_are_decoded(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = { { "\"a\\n\\\"\\\\\\/\"", "a\n\"\\/" }, { "\"\\u00e9\\u20ac\"", "\xc3\xa9\xe2\x82\xac" },
		      { "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80" }, { "\"\\ud83d\"", "\xef\xbf\xbd" } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json j = json_read(cases[i].text, strlen(cases[i].text));
		AUTO_FREE char *s = json_string(&j);
		CHECK_STR(s, cases[i].want);
	}
	static const char *const bad[] = { "\"\\x\"", "\"\\u12\"", "\"\\u0000\"", "1", "{}" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct json j = json_read(bad[i], strlen(bad[i]));
		CHECK(json_string(&j) == NULL);
	}
}

static void a_config_tells_its_group_and_pid_namespace(void)
{
	bool bad;
	AUTO_FREE char *g = config_group(BYTES("{\"annotations\":{\"x\":[1],\"io.kubernetes.cri.sandbox-id\":\"pod\"}}"), &bad);
	CHECK_STR(g, "pod");
	AUTO_FREE char *both = config_group(
		BYTES("{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"pod\",\"io.containerd.runc.v2.group\":\"g\"}}"), &bad);
	CHECK_STR(both, "g");
	CHECK(config_group(BYTES("{\"annotations\":null}"), &bad) == NULL && !bad);
	CHECK(config_group(BYTES("{\"annotations\":{"), &bad) == NULL && bad);
	CHECK(config_group(BYTES("[]"), &bad) == NULL && bad);
	AUTO_FREE char *root = config_root(BYTES("{\"root\":{\"path\":\"a\",\"path\":\"rootfs\",\"readonly\":true},\"Root\":{}}"));
	CHECK_STR(root, "rootfs");
	CHECK(config_root(BYTES("{\"root\":[]}")) == NULL && config_root(BYTES("{}")) == NULL);
	CHECK(config_private_pids(BYTES("{\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]}}")));
	CHECK(!config_private_pids(BYTES("{\"linux\":{\"namespaces\":[{\"type\":\"pid\",\"path\":\"/proc/1/ns/pid\"}]}}")));
	CHECK(!config_private_pids(BYTES("{\"linux\":{\"namespaces\":null}}")));
	CHECK(!config_private_pids(BYTES("{\"process\":{\"type\":\"pid\"}}")));
}

static void a_config_tells_of_hooks_after_the_start(void)
{
	CHECK(!config_poststart(BYTES("{}")));
	CHECK(!config_poststart(BYTES("{\"hooks\":{\"poststart\":[],\"prestart\":[{}]}}")));
	CHECK(!config_poststart(BYTES("{\"hooks\":null}")));
	CHECK(config_poststart(BYTES("{\"hooks\":{\"poststart\":[{\"path\":\"/x\"}]}}")));
	CHECK(config_poststart(BYTES("{\"hooks\":{")));
}

static void an_exec_gets_the_requested_terminal(void)
{
	AUTO_BUF out = { 0 };
	struct err e = { 0 };
	CHECK(exec_spec(BYTES("{\"Terminal\":true,\"args\":[\"a\\\"b\"],\"terminal\":null}"), false, &out, &e) == 0);
	CHECK(bytes_equal((struct bytes){ out.data, out.len }, "{\"terminal\":false,\"args\":[\"a\\\"b\"]}"));
	static const char *const bad[] = { "", "[]", "{", "null", "{} x" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		AUTO_BUF none = { 0 };
		CHECK(exec_spec((struct bytes){ (const uint8_t *)bad[i], strlen(bad[i]) }, true, &none, &e) < 0);
		CHECK(e.code == CODE_INVALID_ARGUMENT);
	}
}

int main(void)
{
	what_is_json_and_what_is_not();
	depth_costs_no_stack();
	strings_are_decoded();
	a_config_tells_its_group_and_pid_namespace();
	a_config_tells_of_hooks_after_the_start();
	an_exec_gets_the_requested_terminal();
	puts("json: ok");
	return 0;
}
