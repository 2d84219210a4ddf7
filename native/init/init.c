/* Process 1 of a container, before the one that was asked for: starts it, hands on signals, collects whatever is left to it, and ends as it did.
 *
 *   berth-init [--] program [argument...] */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* As shells have it. */
#define NOT_EXECUTABLE 126
#define NOT_FOUND 127
#define BY_SIGNAL 128

/* Signals that come from a mistake of ours are ours to die of. */
static const int own[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS };

static void fail(const char *what)
{
	fprintf(stderr, "berth-init: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Everything but one's own is waited for, the end of children too. */
static void block(sigset_t *waited, sigset_t *before)
{
	sigfillset(waited);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(waited, own[i]);
	if (sigprocmask(SIG_SETMASK, waited, before) < 0)
		fail("signals");
}

/* A process group of its own, in front of the terminal where there is one, so that Ctrl-C reaches it once and job control works. */
static void child(char **argv, const sigset_t *mask)
{
	if (setpgid(0, 0) < 0)
		fail("process group");
	/* Whoever is in the background is stopped by the very wish to be in front. */
	signal(SIGTTOU, SIG_IGN);
	if (tcsetpgrp(STDIN_FILENO, getpid()) < 0 && errno != ENOTTY && errno != ENXIO && errno != EBADF)
		fail("terminal");
	signal(SIGTTOU, SIG_DFL);
	if (sigprocmask(SIG_SETMASK, mask, NULL) < 0)
		fail("signals");
	execvp(argv[0], argv);
	int code = errno == ENOENT || errno == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE;
	fprintf(stderr, "berth-init: %s: %s\n", argv[0], strerror(errno));
	_exit(code);
}

/* The exit code of the program once it has ended, or -1. All others are only collected. */
static int collect(pid_t program)
{
	int code = -1;
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			return code;
		if (pid == program)
			code = WIFSIGNALED(status) ? BY_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

int main(int argc, char **argv)
{
	sigset_t waited, before;
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
	if (first >= argc) {
		fprintf(stderr, "usage: berth-init [--] program [argument...]\n");
		return 1;
	}
	/* Where this is not process 1 what is left is to come to it all the same. */
	if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		fail("subreaper");
	block(&waited, &before);
	pid_t program = fork();
	if (program < 0)
		fail("fork");
	if (program == 0)
		child(argv + first, &before);
	for (;;) {
		siginfo_t info;
		int sig = sigwaitinfo(&waited, &info);
		if (sig < 0 && errno != EINTR)
			fail("signals");
		if (sig == SIGCHLD) {
			int code = collect(program);
			if (code >= 0)
				return code;
		} else if (sig > 0 && kill(program, sig) < 0 && errno != ESRCH) {
			fail("kill");
		}
	}
}
