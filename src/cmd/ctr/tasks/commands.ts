import attach from './attach.ts';
import checkpoint from './checkpoint.ts';
import deleteTask from './delete.ts';
import exec from './exec.ts';
import kill from './kill.ts';
import listTasks from './list.ts';
import metrics from './metrics.ts';
import { pause, resume } from './pause.ts';
import ps from './ps.ts';
import start from './start.ts';

export default [attach, checkpoint, deleteTask, exec, listTasks, kill, pause, ps, resume, start, metrics];
