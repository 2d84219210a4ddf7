#include "sandbox.h"

#include "service.h"
#include "wire.h"

#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE "amd64"
#elif defined(__aarch64__)
#define ARCHITECTURE "arm64"
#elif defined(__riscv)
#define ARCHITECTURE "riscv64"
#elif defined(__s390x__)
#define ARCHITECTURE "s390x"
#elif defined(__powerpc64__)
#define ARCHITECTURE "ppc64le"
#elif defined(__arm__)
#define ARCHITECTURE "arm"
#else
#define ARCHITECTURE "386"
#endif

int sandbox_admits(const struct shim *s, struct err *e)
{
	if (!s->sandbox.ending)
		return 0;
	return err_set(e, CODE_FAILED_PRECONDITION, "sandbox %s is stopped: failed precondition", s->sandbox.id);
}

void sandbox_free(struct sandbox *box)
{
	free_ptr(&box->id);
}

void sandbox_drop(struct shim *s, const struct conn *conn)
{
	for (struct call **at = &s->sandbox.waiters; *at;) {
		struct call *call = *at;
		if (call->conn != conn) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		call_drop(call);
	}
}

static struct sandbox *sandbox_get(struct shim *s, const char *id, struct err *e)
{
	if (s->sandbox.id && strcmp(s->sandbox.id, id) == 0)
		return &s->sandbox;
	err_set(e, CODE_NOT_FOUND, "sandbox %s: not found", id);
	return NULL;
}

static struct timespec now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_REALTIME, &at);
	return at;
}

static enum handled create(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	(void)reply;
	if (s->sandbox.id) {
		err_set(e, CODE_ALREADY_EXISTS, "sandbox %s: already exists", s->sandbox.id);
		return FAILED;
	}
	if (!*call->req.id) {
		err_set(e, CODE_INVALID_ARGUMENT, "sandbox id cannot be empty: invalid argument");
		return FAILED;
	}
	s->sandbox.id = xstrdup(call->req.id);
	s->sandbox.created_at = now();
	return ANSWER;
}

/* Twice is once: daemons take a sandbox down whose start fails. */
static enum handled start(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct sandbox *box = sandbox_get(s, call->req.id, e);
	if (!box || sandbox_admits(s, e) < 0)
		return FAILED;
	box->started = true;
	pb_time(reply, 2, box->created_at);
	return ANSWER;
}

static enum handled platform(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct buf p = { 0 };
	if (!sandbox_get(s, call->req.id, e))
		return FAILED;
	pb_str(&p, 1, "linux");
	pb_str(&p, 2, ARCHITECTURE);
	pb_msg(reply, 1, &p);
	return ANSWER;
}

static enum handled ping(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	(void)reply;
	return sandbox_get(s, call->req.id, e) ? ANSWER : FAILED;
}

static void put_info(struct buf *reply, const char *key, unsigned long value)
{
	struct buf entry = { 0 };
	AUTO_FREE char *text = xprintf("%lu", value);
	pb_str(&entry, 1, key);
	pb_str(&entry, 2, text);
	pb_msg(reply, 4, &entry);
}

/* No pid: who looks for the sandbox's namespaces by it must not find the machine's. */
static enum handled status(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	const struct sandbox *box = sandbox_get(s, call->req.id, e);
	unsigned long containers = 0;
	if (!box)
		return FAILED;
	pb_str(reply, 1, box->id);
	pb_str(reply, 3, box->started && !box->ended ? "SANDBOX_READY" : "SANDBOX_NOTREADY");
	if (call->req.verbose) {
		for (const struct container *c = s->containers; c; c = c->next)
			containers++;
		put_info(reply, "containers", containers);
		put_info(reply, "shim_pid", (unsigned long)getpid());
	}
	pb_time(reply, 5, box->created_at);
	if (box->ended)
		pb_time(reply, 6, box->exited_at);
	return ANSWER;
}

static enum handled metrics(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct buf metric = { 0 };
	const struct sandbox *box = sandbox_get(s, call->req.id, e);
	if (!box)
		return FAILED;
	pb_time(&metric, 1, now());
	pb_str(&metric, 2, box->id);
	pb_msg(reply, 1, &metric);
	return ANSWER;
}

static enum handled wait(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct sandbox *box = sandbox_get(s, call->req.id, e);
	if (!box)
		return FAILED;
	if (box->ended) {
		pb_time(reply, 2, box->exited_at);
		return ANSWER;
	}
	call->next = box->waiters;
	box->waiters = call;
	return LATER;
}

static void finish(struct sandbox *box)
{
	AUTO_BUF reply = { 0 };
	if (box->ended)
		return;
	box->ended = true;
	box->exited_at = now();
	pb_time(&reply, 2, box->exited_at);
	while (box->waiters) {
		struct call *call = box->waiters;
		box->waiters = call->next;
		call_answer(call, &reply);
	}
}

static int stop_now(struct shim *s, struct sandbox *box, uint64_t seconds, struct err *e)
{
	box->ending = true;
	if (containers_kill(s, seconds, e) < 0)
		return -1;
	finish(box);
	return 0;
}

static enum handled stop(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct sandbox *box = sandbox_get(s, call->req.id, e);
	(void)reply;
	return box && stop_now(s, box, call->req.timeout, e) == 0 ? ANSWER : FAILED;
}

static enum handled shut_down(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct sandbox *box = sandbox_get(s, call->req.id, e);
	if (!box || stop_now(s, box, 0, e) < 0)
		return FAILED;
	shim_stop(s, call, reply, false);
	return LATER;
}

static const struct method methods[] = {
	{ "CreateSandbox", create, false, fields_sandbox },
	{ "StartSandbox", start, false, fields_sandbox },
	{ "Platform", platform, false, fields_sandbox },
	{ "StopSandbox", stop, true, fields_stop_sandbox },
	{ "WaitSandbox", wait, false, fields_sandbox },
	{ "SandboxStatus", status, false, fields_sandbox_status },
	{ "PingSandbox", ping, false, fields_sandbox },
	{ "ShutdownSandbox", shut_down, true, fields_sandbox },
	{ "SandboxMetrics", metrics, false, fields_sandbox },
};

const struct method *sandbox_method(struct bytes name)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (bytes_equal(name, methods[i].name))
			return &methods[i];
	return NULL;
}
