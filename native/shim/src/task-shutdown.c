#include "publisher.h"
#include "service.h"

#define FLUSH_MS 5000

void shim_stop(struct shim *s, struct call *call, const struct buf *reply, bool now)
{
	s->stopping = true;
	call_answer(call, reply);
	if (!now && !publisher_flush(s->publisher, FLUSH_MS))
		log_warn(s, "some events could not be delivered");
	loop_stop(s->loop);
}

/* A shim that still has containers stays: it may serve a whole group. So does a sandbox, until it is told itself. */
enum handled task_shutdown(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	(void)e;
	while (container_any_creating(s))
		waitq_wait(s->loop, &s->created, -1);
	if (s->containers || s->sandbox.id || s->stopping)
		return ANSWER;
	shim_stop(s, call, reply, call->req.now);
	return LATER;
}
