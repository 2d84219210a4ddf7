/* The services of tasks and sandboxes: connections, requests, answers. */
#ifndef SERVICE_H
#define SERVICE_H

#include "container.h"
#include "request.h"

struct conn;

/* One request, from its arrival to its answer. */
struct call {
	struct call *next; /* among the waiters of a process */
	struct shim *s;
	struct conn *conn;
	uint32_t stream;
	uint64_t deadline; /* loop_now; 0: none */
	const struct method *method;
	struct request req;
};

enum handled { FAILED = -1, ANSWER = 0, LATER = 1 };

/* Fills `reply` and returns ANSWER, or fills `e` and returns FAILED; LATER takes the call for itself. */
typedef enum handled handler(struct shim *s, struct call *call, struct buf *reply, struct err *e);

struct method {
	const char *name;
	handler *handle;
	bool waits; /* runs as a coroutine */
	const struct request_field *fields;
};

/* Accepts connections of our own user on the listening socket. */
void service_listen(struct shim *s, int fd);
/* Answers and frees the call. */
void call_answer(struct call *call, const struct buf *reply);
void call_fail(struct call *call, const struct err *e);
/* Frees a call whose connection is closing. */
void call_drop(struct call *call);
/* Answers every Wait for the process. */
void waits_answer(struct shim *s, struct process *p);
/* Forgets the Waits of a connection. */
void waits_drop(struct shim *s, const struct conn *conn);

/* The methods; task-*.c. */
handler task_state, task_create, task_start, task_delete, task_pids, task_pause, task_resume, task_checkpoint,
	task_kill, task_exec, task_resize_pty, task_close_io, task_update, task_wait, task_stats, task_connect,
	task_shutdown;
const struct method *task_method(struct bytes name);
const struct method *sandbox_method(struct bytes name);

/* Answers the call, delivers what events are left unless it is to be `now`, and ends the shim. In a coroutine. */
void shim_stop(struct shim *s, struct call *call, const struct buf *reply, bool now);
/* Kills every container and waits for their ends, `seconds` at most (0: as long as is usual). In a coroutine. */
int containers_kill(struct shim *s, uint64_t seconds, struct err *e);

#endif
