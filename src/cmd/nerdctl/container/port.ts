import { findContainer } from '#ops/container/find';
import { publishedPorts } from '#ops/container/ports';
import { Exit } from '../../cli/io.ts';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
    arity: [1, 2],
    completes: ['containers'],
    flags: {},
    run: async (engine, { io, args: [word = '', wanted] }) => {
      const ports = await publishedPorts(engine, await findContainer(engine, word));
      const [port = '', protocol = 'tcp'] = (wanted ?? '').split('/');
      if (wanted !== undefined && !/^\d{1,5}$/.test(port)) throw new Exit(1, `Error: Invalid port: ${wanted}`);
      const chosen = ports.filter(
        (one) => wanted === undefined || (one.containerPort === Number(port) && one.protocol === protocol),
      );
      if (wanted !== undefined && chosen.length === 0)
        throw new Exit(1, `Error: No public port '${port}/${protocol}' published for ${word}`);
      for (const { containerPort, protocol: kind, hostIp, hostPort } of chosen) {
        const host = hostIp.includes(':') ? `[${hostIp}]` : hostIp;
        await io.stdout.write(`${wanted === undefined ? `${containerPort}/${kind} -> ` : ''}${host}:${hostPort}\n`);
      }
      return 0;
    },
  });
