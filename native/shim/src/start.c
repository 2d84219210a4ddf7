#include "actions.h"
#include "bootstrap.h"
#include "bundle.h"
#include "cgroup.h"
#include "file.h"
#include "serve.h"
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STDIN_MAX (4u << 20)
#define OOM_SCORE_MAX 1000

struct start {
	const struct args *args;
	struct bootstrap boot;
	char *path, *address, *ttrpc;
	const char *namespace, *id, *grpc, *binary;
};

static const char *first_of(const char *a, const char *b)
{
	return *a ? a : b;
}

/* One more than the daemon's, so that of the two the shim goes first. Asked before the fork: after it this process may have ended,
   and the child's parent be anybody. */
static char *oom_score(void)
{
	AUTO_FREE char *path = xprintf("/proc/%d/oom_score_adj", (int)getppid());
	AUTO_FREE char *text = file_text(path, 32);
	if (!text)
		return NULL;
	long score = strtol(text, NULL, 10) + 1;
	return xprintf("%ld", score > OOM_SCORE_MAX ? OOM_SCORE_MAX : score);
}

/* Nothing of the caller's stays open, and what is opened later finds 0 to 2 taken. */
static void detach(int *listener)
{
	setsid();
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	int high = fcntl(*listener, F_DUPFD_CLOEXEC, 3);
	if (high != 3) {
		dup2(high, 3);
		fcntl(3, F_SETFD, FD_CLOEXEC);
	}
	*listener = 3;
	close_range(4, ~0u, 0);
}

static void child(struct start *st, int listener, const char *score)
{
	struct serve how = { .namespace = st->namespace, .id = st->id, .grpc = st->grpc, .ttrpc = st->ttrpc,
			     .binary = st->binary, .socket_path = st->path, .debug = st->boot.debug };
	detach(&listener);
	if (score)
		file_put("/proc/self/oom_score_adj", score);
	unsetenv("NOTIFY_SOCKET");
	how.listener = listener;
	serve(&how);
	_exit(0);
}

/* The server inherits it. It was asked for as protection: where it cannot be had, there is no shim. */
static int core_scheduling(struct err *e)
{
	const char *asked = getenv("SCHED_CORE");
	if (asked && *asked && prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, PR_SCHED_CORE_SCOPE_THREAD, 0) < 0)
		return err_sys(e, "enable sched core support");
	return 0;
}

static int fork_server(struct start *st, int listener, struct err *e)
{
	if (core_scheduling(e) < 0)
		return -1;
	AUTO_FREE char *score = oom_score();
	pid_t pid = fork();
	if (pid == 0)
		child(st, listener, score);
	return pid < 0 ? err_sys(e, "fork") : 0;
}

static int write_address(const struct start *st, struct err *e)
{
	return file_write("address", st->address, strlen(st->address), 0600) < 0 ? err_sys(e, "write address") : 0;
}

/* Starts a server, unless one of the group is there. */
static int serve_or_join(struct start *st, struct err *e)
{
	AUTO_FD listener = socket_serve(st->path, e);
	if (listener == -2)
		return write_address(st, e);
	if (listener < 0)
		return -1;
	int rc = write_address(st, e);
	if (rc == 0 && *st->boot.options.shim_cgroup)
		rc = cgroup_join(st->boot.options.shim_cgroup, e);
	if (rc == 0)
		rc = fork_server(st, listener, e);
	if (rc < 0)
		unlink(st->path);
	return rc;
}

static char *ttrpc_address(const struct start *st)
{
	const char *env = getenv("TTRPC_ADDRESS");
	if (*st->boot.ttrpc)
		return xstrdup(st->boot.ttrpc);
	if (env && *env)
		return xstrdup(env);
	AUTO_FREE char *beside = xprintf("%s.ttrpc", st->grpc);
	return access(beside, F_OK) == 0 ? xstrdup(beside) : xstrdup("");
}

static int prepare(struct start *st, struct err *e)
{
	const struct args *a = st->args;
	AUTO_BUF in = { 0 };
	AUTO_FREE char *group = NULL;
	if (fd_read(0, STDIN_MAX, &in) < 0 && errno != EBADF)
		return err_sys(e, "read stdin");
	if (bootstrap_parse(&st->boot, (struct bytes){ in.data, in.len }, a, getenv("MAX_SHIM_VERSION"), e) < 0)
		return -1;
	st->namespace = first_of(a->namespace, st->boot.namespace);
	st->id = first_of(a->id, st->boot.id);
	st->grpc = first_of(a->address, st->boot.grpc);
	st->binary = first_of(st->boot.binary, a->publish_binary);
	if (!*st->namespace)
		return err_set(e, CODE_INVALID_ARGUMENT, "shim namespace cannot be empty");
	if (!*st->id)
		return err_set(e, CODE_INVALID_ARGUMENT, "shim id cannot be empty");
	if (*a->bundle && chdir(a->bundle) < 0)
		return err_sys(e, "chdir %s", a->bundle);
	if (bundle_group(".", &group, e) < 0)
		return -1;
	st->path = socket_path(st->boot.socket_dir, st->grpc, st->namespace, group ? group : st->id);
	st->address = xprintf("unix://%s", st->path);
	st->ttrpc = ttrpc_address(st);
	return 0;
}

int action_start(const struct args *a, struct err *e)
{
	struct start st = { .args = a };
	AUTO_BUF answer = { 0 };
	int rc = prepare(&st, e);
	if (rc == 0)
		rc = serve_or_join(&st, e);
	if (rc == 0) {
		bootstrap_answer(st.boot.answer, st.address, &answer);
		rc = print(answer.data, answer.len, e);
	}
	bootstrap_free(&st.boot);
	free(st.path);
	free(st.address);
	free(st.ttrpc);
	return rc;
}
