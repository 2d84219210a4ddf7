/* The one state of the serving process, passed to whatever needs it. */
#ifndef SHIM_H
#define SHIM_H

#include "base.h"
#include "log.h"
#include "loop.h"
#include "sandbox.h"

#include <time.h>

struct conn;
struct container;
struct publisher;
struct child;

/* An exit that was collected before anybody knew whose it was. */
struct stray_exit {
	pid_t pid;
	int status;
	struct timespec at;
};

/* See runtime-copy.h. */
struct runtime_copy {
	int fd; /* 0, which is always something else: there is none */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct shim {
	struct loop *loop;
	struct log log;
	const char *namespace;
	const char *id;
	const char *address;     /* the daemon's gRPC address */
	const char *socket_path; /* ours, removed at the end */
	struct source listener;
	struct source signals;
	struct conn *conns;
	struct container *containers;
	struct waitq created; /* woken whenever a create has ended */
	struct publisher *publisher;
	struct sandbox sandbox;
	struct runtime_copy runtime_copy;

	struct child *children; /* runc, loggers: whoever is waited for */
	struct stray_exit *strays;
	size_t stray_count;
	int ahead_count; /* see exec-ahead.h */
	int expecting; /* creates and execs under way, whose pids are not known yet */
	bool stopping;
};

#endif
