#include "service.h"
#include "wire.h"

static void put_exit(const struct process *p, struct buf *reply)
{
	pb_u64(reply, 1, (uint64_t)p->exit_status);
	pb_time(reply, 2, p->exited_at);
}

enum handled task_wait(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct container *c = container_get(s, call->req.id, e);
	struct process *p = c ? process_get(c, call->req.exec_id, e) : NULL;
	if (!p)
		return FAILED;
	if (p->status == ST_STOPPED || p->failed) {
		put_exit(p, reply);
		return ANSWER;
	}
	call->next = p->waiters;
	p->waiters = call;
	return LATER;
}

void waits_answer(struct shim *s, struct process *p)
{
	AUTO_BUF reply = { 0 };
	(void)s;
	put_exit(p, &reply);
	while (p->waiters) {
		struct call *call = p->waiters;
		p->waiters = call->next;
		call_answer(call, &reply);
	}
}

static void drop(struct process *p, const struct conn *conn)
{
	for (struct call **at = &p->waiters; *at;) {
		struct call *call = *at;
		if (call->conn != conn) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		call_drop(call);
	}
}

void waits_drop(struct shim *s, const struct conn *conn)
{
	for (struct container *c = s->containers; c; c = c->next) {
		drop(&c->init, conn);
		for (struct process *p = c->execs; p; p = p->next)
			drop(p, conn);
	}
}
