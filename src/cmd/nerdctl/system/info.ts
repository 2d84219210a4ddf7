import { invalidArgument } from '#base/errors';
import { jsonOf } from '#lib/go-template/json';
import { bytesSize } from '#lib/units';
import { type EngineInfo, engineInfo, nativeInfo } from '#ops/system/info';
import { text } from '../../cli/flags.ts';
import { printInspect } from '../format/inspect.ts';
import { command, type NerdctlInvocation } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '',
    arity: [0, 0],
    flags: {
      format: text('json, or a Go template', { alias: 'f' }),
      mode: text("'dockercompat', or 'native' for what the daemon says of itself", { default: 'dockercompat' }),
    },
    run: async (engine, { io, flags, globals }) => {
      if (flags.mode !== 'dockercompat' && flags.mode !== 'native')
        throw invalidArgument(`unknown mode ${JSON.stringify(flags.mode)}: wanted dockercompat or native`);
      if (flags.mode === 'native') {
        const native = await nativeInfo(engine);
        if (flags.format === '' || flags.format === 'json')
          await io.stdout.write(`${jsonOf(native, flags.format === '' ? '    ' : '')}\n`);
        else await printInspect(io, flags.format, [native]);
        return 0;
      }
      const info = await engineInfo(engine);
      if (flags.format === 'json') await io.stdout.write(`${jsonOf(info)}\n`);
      else if (flags.format !== '') await printInspect(io, flags.format, [info]);
      else await io.stdout.write(inWords(info, engine.scope.namespace, globals));
      return 0;
    },
  });

function inWords(info: EngineInfo, namespace: string, { debug }: NerdctlInvocation['globals']): string {
  const lines = [
    'Client:',
    ` Namespace:\t${namespace}`,
    ` Debug Mode:\t${debug}`,
    '',
    'Server:',
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ` Server Version: ${info.ServerVersion}`,
    ` Storage Driver: ${info.Driver}`,
    ` Logging Driver: ${info.LoggingDriver}`,
    ` Cgroup Driver: ${info.CgroupDriver}`,
    ` Cgroup Version: ${info.CgroupVersion}`,
    ' Plugins:',
    `  Log:     ${info.Plugins.Log.join(' ')}`,
    `  Storage: ${info.Plugins.Storage.join(' ')}`,
    ' Security Options:',
    ...info.SecurityOptions.map(
      (one) =>
        `  ${one
          .replace(/^name=/, '')
          .replace(',', '\n   ')
          .replace('profile=', 'Profile:\t')}`,
    ),
    ` Kernel Version: ${info.KernelVersion}`,
    ` Operating System: ${info.OperatingSystem}`,
    ` OSType: ${info.OSType}`,
    ` Architecture: ${info.Architecture}`,
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${bytesSize(info.MemTotal)}`,
    ` Name: ${info.Name}`,
    ` ID: ${info.ID}`,
  ];
  return `${lines.join('\n')}\n`;
}
