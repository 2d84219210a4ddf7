#include "child.h"
#include "exits.h"
#include "runtime-copy.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char *program_path(const char *name, struct err *e)
{
	if (strchr(name, '/')) {
		if (access(name, X_OK) == 0)
			return xstrdup(name);
		err_sys(e, "exec: \"%s\"", name);
		return NULL;
	}
	const char *path = getenv("PATH");
	for (const char *p = path ? path : ""; *p;) {
		size_t n = strcspn(p, ":");
		AUTO_FREE char *full = xprintf("%.*s/%s", (int)n, p, name);
		if (n > 0 && access(full, X_OK) == 0)
			return xstrdup(full);
		p += n + (p[n] == ':');
	}
	err_set(e, CODE_UNKNOWN, "exec: \"%s\": executable file not found in $PATH", name);
	return NULL;
}

/* Every fd of the shim is close-on-exec and above 5, or /dev/null in 0 to 2: dup2 cannot clash. */
static int add_fds(posix_spawn_file_actions_t *fa, const struct spawn *sp)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < (int)COUNT_OF(sp->fds); i++)
		if (sp->fds[i] >= 0)
			rc = posix_spawn_file_actions_adddup2(fa, sp->fds[i], i);
	return rc;
}

static int spawn_now(pid_t *pid, const char *path, const struct spawn *sp)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	int rc = add_fds(&fa, sp);
	if (rc == 0)
		rc = posix_spawn(pid, path, &fa, &attr, (char *const *)sp->argv, sp->env ? sp->env : environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return rc;
}

int child_spawn(struct shim *s, struct child *c, const struct spawn *sp, struct err *e)
{
	AUTO_FREE char *path = program_path(sp->argv[0], e);
	if (!path)
		return -1;
	*c = (struct child){ 0 };
	AUTO_FREE char *copy = runtime_copy_path(&s->runtime_copy, path);
	int rc = copy ? spawn_now(&c->pid, copy, sp) : -1;
	if (rc != 0) /* a copy may not be startable where memory is not to be executed */
		rc = spawn_now(&c->pid, path, sp);
	if (rc != 0) {
		errno = rc;
		return err_sys(e, "fork/exec %s", path);
	}
	c->next = s->children;
	s->children = c;
	return 0;
}

void child_forget(struct shim *s, struct child *c)
{
	for (struct child **at = &s->children; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			return;
		}
}

bool child_wait(struct shim *s, struct child *c, int ms)
{
	if (!c->exited && !waitq_wait(s->loop, &c->q, ms))
		return c->exited;
	return true;
}

static void collected(struct shim *s, pid_t pid, int status, struct timespec at)
{
	for (struct child *c = s->children; c; c = c->next)
		if (c->pid == pid) {
			child_forget(s, c);
			c->status = status;
			c->exited = true;
			waitq_wake(s->loop, &c->q);
			return;
		}
	exit_collected(s, pid, status, at);
}

void reap_all(struct shim *s)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct timespec at;
		clock_gettime(CLOCK_REALTIME, &at);
		collected(s, pid, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), at);
	}
}
