import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { notFound, wrap } from '#base/errors';
import { mountTable } from '#sys/mountinfo';
import type { TopConfig } from './config/schema.ts';

/** What the configuration says of the process itself: its chance to be killed, its control group, where its temporary files go. */
export async function applyProcessSettings(top: TopConfig): Promise<void> {
  if (top.oom_score !== 0) {
    await writeFile('/proc/self/oom_score_adj', String(top.oom_score)).catch((thrown: unknown) => {
      throw wrap(thrown, `oom_score ${top.oom_score}`);
    });
  }
  if (top.cgroup.path !== '') await joinCgroup(top.cgroup.path);
  if (top.temp !== '') {
    await mkdir(top.temp, { recursive: true, mode: 0o711 });
    // Every later os.tmpdir(), the shims' and the stream processors' included.
    process.env.TMPDIR = top.temp;
  }
}

/** Moves this process into the group, made where it is missing: in the unified hierarchy, or in every controller's own. */
async function joinCgroup(path: string): Promise<void> {
  const mounts = mountTable().filter(({ type }) => type === 'cgroup' || type === 'cgroup2');
  const controllers = mounts.filter(
    ({ type, superOptions }) => type === 'cgroup' && !superOptions.some((each) => each.startsWith('name=')),
  );
  const hierarchies = controllers.length > 0 ? controllers : mounts.filter(({ type }) => type === 'cgroup2');
  if (hierarchies.length === 0) throw notFound('[cgroup] path: no cgroup filesystem');
  for (const { mountpoint } of hierarchies) {
    const directory = join(mountpoint, join('/', path));
    try {
      await makeGroup(mountpoint, path);
      await writeFile(join(directory, 'cgroup.procs'), String(process.pid));
    } catch (thrown) {
      throw wrap(thrown, `[cgroup] path: ${directory}`);
    }
  }
}

/** Makes the groups on the way. A new cpuset has no processors and no memory, and takes nobody, until it is given its parent's. */
async function makeGroup(mountpoint: string, path: string): Promise<void> {
  let directory = mountpoint;
  for (const name of path.split('/').filter((each) => each !== '' && each !== '.' && each !== '..')) {
    const parent = directory;
    directory = join(directory, name);
    await mkdir(directory, { recursive: true });
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const own = await readFile(join(directory, file), 'utf8').catch(() => undefined);
      if (own?.trim() === '') await writeFile(join(directory, file), await readFile(join(parent, file), 'utf8'));
    }
  }
}
