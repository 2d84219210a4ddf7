#include "runc-call.h"

#include "file.h"
#include "json.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_MAX (1 << 20)

static char *proc_path(int fd)
{
	return xprintf("/proc/%d/fd/%d", (int)getpid(), fd);
}

void runc_add(struct runc_call *rc, const char *word)
{
	if (rc->argc >= RUNC_ARGS_MAX - 1)
		abort(); /* callers bound what they add */
	rc->argv[rc->argc++] = word;
}

void runc_add2(struct runc_call *rc, const char *flag, const char *value)
{
	if (!value || !*value)
		return;
	runc_add(rc, flag);
	runc_add(rc, value);
}

/* The log is a memfd: each call has its own, so that an error is never somebody else's, and
   nothing is left on disk. */
void runc_begin(struct runc_call *rc, const struct shim *s, const struct container *c)
{
	const struct runc_options *o = &c->options;
	memset(rc, 0, sizeof(*rc));
	rc->fds[0] = rc->fds[1] = rc->fds[2] = -1;
	rc->log = memfd_create("runc-log", MFD_CLOEXEC);
	rc->output = memfd_create("runc-output", MFD_CLOEXEC);
	rc->owned[0] = xprintf("%s/%s", *o->root ? o->root : RUNC_ROOT, s->namespace);
	rc->owned[1] = proc_path(rc->log);
	runc_add(rc, *o->binary_name ? o->binary_name : "runc");
	runc_add2(rc, "--root", rc->owned[0]);
	if (rc->log >= 0)
		runc_add2(rc, "--log", rc->owned[1]);
	runc_add2(rc, "--log-format", "json");
	if (o->systemd_cgroup)
		runc_add(rc, "--systemd-cgroup");
	runc_add2(rc, "--criu", o->criu_path);
}

void runc_stdio(struct runc_call *rc, const int fds[3])
{
	for (int i = 0; i < 3; i++)
		rc->fds[i] = fds[i] >= 0 ? fds[i] : i;
}

void runc_end(struct runc_call *rc)
{
	for (size_t i = 0; i < COUNT_OF(rc->owned); i++)
		free_ptr(&rc->owned[i]);
	close_fd(&rc->log);
	close_fd(&rc->output);
}

int runc_memfd(struct bytes content, char **path, struct err *e)
{
	int fd = memfd_create("runc-input", MFD_CLOEXEC);
	if (fd < 0 || (content.len && pwrite(fd, content.data, content.len, 0) != (ssize_t)content.len)) {
		close_fd(&fd);
		return err_sys(e, "memfd");
	}
	*path = proc_path(fd);
	return fd;
}

/* The `msg` of one log line when its level is error. */
static char *error_in(const uint8_t *line, size_t len)
{
	struct json j = json_read(line, len);
	AUTO_FREE char *level = NULL;
	AUTO_FREE char *msg = NULL;
	char *key;
	for (bool first = true; json_member(&j, &first, &key); free(key)) {
		char **to = strcmp(key, "level") == 0 ? &level : strcmp(key, "msg") == 0 ? &msg : NULL;
		if (!to) {
			json_skip(&j);
			continue;
		}
		free(*to);
		*to = json_string(&j);
	}
	return !j.bad && level && msg && strcmp(level, "error") == 0 ? xstrdup(msg) : NULL;
}

static char *last_error(const struct buf *log)
{
	char *found = NULL;
	for (size_t at = 0; at < log->len;) {
		const uint8_t *nl = memchr(log->data + at, '\n', log->len - at);
		size_t len = nl ? (size_t)(nl - log->data) - at : log->len - at;
		char *msg = error_in(log->data + at, len);
		if (msg) {
			free(found);
			found = msg;
		}
		at += len + 1;
	}
	return found;
}

static void trim(char *s)
{
	size_t n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
}

static char *text_of(int fd)
{
	AUTO_BUF b = { 0 };
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || fd_read(fd, TEXT_MAX, &b) < 0)
		return NULL;
	return bytes_string((struct bytes){ b.data, b.len });
}

static int failed(struct runc_call *rc, int status, struct err *e)
{
	AUTO_BUF log = { 0 };
	if (rc->log >= 0 && lseek(rc->log, 0, SEEK_SET) == 0)
		fd_read(rc->log, TEXT_MAX, &log);
	AUTO_FREE char *msg = last_error(&log);
	if (!msg)
		msg = text_of(rc->output);
	if (msg)
		trim(msg);
	if (msg && *msg)
		return err_set(e, CODE_UNKNOWN, "%s", msg);
	if (status > 128)
		return err_set(e, CODE_UNKNOWN, "%s was killed by signal %d", rc->argv[0], status - 128);
	return err_set(e, CODE_UNKNOWN, "%s did not terminate successfully: exit status %d", rc->argv[0], status);
}

int runc_spawn(struct shim *s, struct runc_call *rc, struct child *child, struct err *e)
{
	bool plain = rc->fds[1] < 0 && rc->fds[2] < 0;
	struct spawn sp = { .argv = rc->argv, .fds = { rc->fds[0], rc->fds[1], rc->fds[2], -1, -1, -1 } };
	if (plain && rc->output >= 0)
		sp.fds[1] = sp.fds[2] = rc->output;
	return child_spawn(s, child, &sp, e);
}

int runc_wait(struct shim *s, struct runc_call *rc, struct child *child, struct err *e)
{
	if (!child_wait(s, child, co_time_left(s->loop))) {
		kill(child->pid, SIGKILL);
		child_wait(s, child, -1);
		co_set_deadline(s->loop, 0); /* what is left to do is cleaning up */
		return err_set(e, CODE_DEADLINE_EXCEEDED, "%s took too long: context deadline exceeded", rc->argv[0]);
	}
	return child->status == 0 ? 0 : failed(rc, child->status, e);
}

int runc_run(struct shim *s, struct runc_call *rc, struct err *e)
{
	struct child child;
	return runc_spawn(s, rc, &child, e) < 0 ? -1 : runc_wait(s, rc, &child, e);
}
