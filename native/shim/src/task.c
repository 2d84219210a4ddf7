#include "service.h"

#include <string.h>

static const struct method methods[] = {
	{ "State", task_state, false, fields_process },
	{ "Create", task_create, true, fields_create },
	{ "Start", task_start, true, fields_process },
	{ "Delete", task_delete, true, fields_process },
	{ "Pids", task_pids, true, fields_id },
	{ "Pause", task_pause, true, fields_id },
	{ "Resume", task_resume, true, fields_id },
	{ "Checkpoint", task_checkpoint, true, fields_checkpoint },
	{ "Kill", task_kill, true, fields_kill },
	{ "Exec", task_exec, false, fields_exec },
	{ "ResizePty", task_resize_pty, false, fields_resize },
	{ "CloseIO", task_close_io, false, fields_close_io },
	{ "Update", task_update, true, fields_update },
	{ "Wait", task_wait, false, fields_process },
	{ "Stats", task_stats, false, fields_id },
	{ "Connect", task_connect, false, fields_id },
	{ "Shutdown", task_shutdown, true, fields_shutdown },
};

const struct method *task_method(struct bytes name)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (bytes_equal(name, methods[i].name))
			return &methods[i];
	return NULL;
}
