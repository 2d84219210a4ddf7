#include "events.h"
#include "exec-ahead.h"
#include "exec-spec.h"
#include "identifier.h"
#include "service.h"

#include <string.h>

static char *take(char **from)
{
	char *s = *from;
	*from = NULL;
	return s;
}

static int may_exec(const struct container *c, const struct request *r, struct err *e)
{
	struct err none;
	if (!identifier_valid(r->exec_id))
		return err_set(e, CODE_INVALID_ARGUMENT, "exec id \"%s\": invalid argument", r->exec_id);
	if (process_get((struct container *)c, r->exec_id, &none))
		return err_set(e, CODE_ALREADY_EXISTS, "id %s: already exists", r->exec_id);
	if (c->init.status == ST_PAUSED || c->init.status == ST_STOPPED)
		return err_set(e, CODE_UNKNOWN, "cannot exec in a %s state", status_name(c->init.status));
	if (c->checkpoint && c->init.status == ST_CREATED)
		return err_set(e, CODE_UNKNOWN, "cannot exec in a created state");
	return 0;
}

enum handled task_exec(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	struct request *r = &call->req;
	struct container *c = container_get(s, r->id, e);
	struct buf spec = { 0 };
	if (!c || may_exec(c, r, e) < 0)
		return FAILED;
	if (exec_spec((struct bytes){ r->any.data, r->any.len }, r->terminal, &spec, e) < 0) {
		buf_free(&spec);
		return FAILED;
	}
	struct process *p = process_add(c, r->exec_id);
	p->stdio = (struct stdio){ take(&r->in), take(&r->out), take(&r->err), r->terminal };
	p->spec = spec;
	event_exec_added(s, p);
	call_answer(call, reply);
	exec_prepare(s, p);
	return LATER;
}
