import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fillBusyboxRoot, tarLayer } from './busybox-image.ts';
import { type SampleImage, sampleImage } from './sample-image.ts';

export const page = '<!doctype html><title>berth</title><h1>It works, in a container</h1>\n';

/** Debian's nginx in an image as others build theirs: a page of its own on port 80, logs on the standard streams. @throws when it is not installed */
export function nginxImage(): SampleImage {
  return programImage({
    programs: ['/usr/sbin/nginx'],
    copies: ['/etc/nginx/mime.types'],
    fill: (root) => {
      mkdirSync(join(root, 'usr/share/nginx/html'), { recursive: true });
      writeFileSync(join(root, 'usr/share/nginx/html/index.html'), page);
      for (const name of ['var/lib/nginx', 'var/log/nginx']) mkdirSync(join(root, name), { recursive: true });
      symlinkSync('/dev/stderr', join(root, 'var/log/nginx/error.log'));
      writeFileSync(join(root, 'etc/nginx/nginx.conf'), nginxConfiguration);
    },
    config: {
      Entrypoint: ['/usr/sbin/nginx'],
      Cmd: ['-g', 'daemon off;'],
      Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      ExposedPorts: { '80/tcp': {} },
      StopSignal: 'SIGQUIT',
    },
  });
}

const nginxConfiguration = `worker_processes 1;
pid /run/nginx.pid;
events { worker_connections 64; }
http {
  include /etc/nginx/mime.types;
  access_log /dev/stdout;
  server { listen 80; listen [::]:80; root /usr/share/nginx/html; }
}
`;

/** Debian's PostgreSQL: makes its cluster in the volume at /var/lib/postgresql/data at the first start. @throws when it is not installed */
export function postgresImage(): SampleImage {
  const bin = '/usr/lib/postgresql/15/bin';
  return programImage({
    programs: ['postgres', 'initdb', 'psql', 'pg_isready', 'pg_ctl'].map((name) => `${bin}/${name}`),
    copies: ['/usr/lib/postgresql/15/lib', '/usr/share/postgresql/15', '/usr/share/zoneinfo/UTC'],
    fill: (root) => {
      const data = join(root, 'var/lib/postgresql/data');
      mkdirSync(data, { recursive: true });
      mkdirSync(join(root, 'var/run/postgresql'), { recursive: true });
      writeFileSync(join(root, 'start'), postgresStart, { mode: 0o755 });
      const owned = ['var/lib/postgresql', 'var/run/postgresql'].map((name) => join(root, name));
      if (spawnSync('chown', ['-R', '70:70', ...owned]).status !== 0) throw new Error('chown failed');
    },
    config: {
      User: '70:70',
      Entrypoint: ['/start'],
      Env: [`PATH=${bin}:/bin`, 'PGDATA=/var/lib/postgresql/data/main', 'LC_ALL=C'],
      Volumes: { '/var/lib/postgresql/data': {} },
      ExposedPorts: { '5432/tcp': {} },
      StopSignal: 'SIGINT',
    },
  });
}

const postgresStart = `#!/bin/sh
set -e
[ -s "$PGDATA/PG_VERSION" ] || initdb -U postgres --auth=trust --no-sync > /dev/null
exec postgres -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
`;

interface ProgramImage {
  readonly programs: readonly string[];
  /** Files and directories that are taken as they are. */
  readonly copies: readonly string[];
  readonly fill: (root: string) => void;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Programs of this machine with the libraries that they are linked with, and busybox for the rest. */
function programImage({ programs, copies, fill, config }: ProgramImage): SampleImage {
  const root = mkdtempSync(join(tmpdir(), 'berth-program-'));
  try {
    fillBusyboxRoot(root, ['sh', 'cat', 'ls', 'wget', 'id', 'sleep', 'kill', 'ps', 'true', 'nslookup', 'locale']);
    const users = [
      'root:x:0:0:root:/root:/bin/sh',
      'postgres:x:70:70::/var/lib/postgresql:/bin/sh',
      'www-data:x:33:33::/:/',
    ];
    writeFileSync(join(root, 'etc/passwd'), `${users.join('\n')}\nnobody:x:65534:65534::/:/\n`);
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\npostgres:x:70:\nwww-data:x:33:\nnogroup:x:65534:\n');
    const modules = copies.flatMap((path) => (path.endsWith('/lib') ? sharedObjectsIn(path) : []));
    for (const path of new Set([...programs, ...[...programs, ...modules].flatMap(librariesOf), ...copies]))
      copy(path, root);
    fill(root);
    return sampleImage([tarLayer(root)], { config });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** PostgreSQL's compiler, without which it runs as well. */
const large = /llvmjit|\/bitcode/;

const sharedObjectsIn = (directory: string): readonly string[] => {
  const found = spawnSync('find', [directory, '-maxdepth', '1', '-name', '*.so'], { encoding: 'utf8' });
  return found.stdout.split('\n').filter((path) => path !== '' && !large.test(path));
};

function librariesOf(program: string): readonly string[] {
  const { status, stdout, stderr } = spawnSync('ldd', [program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ldd ${program}: ${stderr}`);
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
}

/** The file behind a path, at that path. */
function copy(path: string, root: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  cpSync(realpathSync(path), join(root, path), {
    recursive: true,
    dereference: true,
    filter: (from) => !large.test(from),
  });
}
