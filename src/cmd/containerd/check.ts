import { flag } from '#cmd/cli/flags';
import { Exit, type Io } from '#cmd/cli/io';
import type { Finding, Severity } from '#core/check/findings';
import { checkStore } from '#daemon/check-store';
import { readConfiguration } from './configuration.ts';
import { defineCommand } from './globals.ts';

/** 1 is that of a check that could not be made. */
const exitCodes = { damaged: 2, repaired: 3, unrepaired: 4 } as const;

export default defineCommand({
  name: 'check',
  summary: 'look whether all that the daemon keeps is whole',
  description:
    'Compares the metadata with blobs, ingests and snapshots while no daemon runs. Nothing is changed without --repair.\n' +
    '   Exit codes: 0 sound; 1 not checked; 2 damaged; 3 was damaged, and all of it is repaired; 4 damage that --repair could not mend.\n' +
    '   Leftovers of a crash are no damage: the daemon clears them away by itself, and so does --repair. Notes are no damage either.',
  flags: {
    repair: flag('mend what can be mended, and say what was done'),
    deep: flag('read all blobs and compare their bytes with their digests'),
    json: flag('print findings as JSON, one a line'),
  },
  async run({ io, flags, args, globals }) {
    if (args.length > 0) throw new Exit(1, `containerd: check takes no arguments, got ${JSON.stringify(args[0])}`);
    const { repair, deep } = flags;
    const config = await readConfiguration(io, globals);
    const findings = await checkStore({ config, repair, deep });
    if (flags.json) await printJson(io, findings);
    else await printText(io, findings, config.top.root);
    const damage = findings.filter(({ severity }) => severity === 'damage');
    if (damage.length === 0) return 0;
    if (!repair) return exitCodes.damaged;
    return damage.every(({ repaired }) => repaired) ? exitCodes.repaired : exitCodes.unrepaired;
  },
});

async function printJson(io: Io, findings: readonly Finding[]): Promise<void> {
  for (const finding of findings) await io.stdout.write(`${JSON.stringify(finding)}\n`);
}

async function printText(io: Io, findings: readonly Finding[], root: string): Promise<void> {
  for (const { kind, severity, subject, detail, repair, repaired, failure } of findings) {
    await io.stdout.write(`${severity}: ${kind}: ${subject}: ${detail}\n`);
    if (repair === undefined) continue;
    const how = repaired ? 'repaired' : failure === undefined ? '--repair would' : `not repaired, ${failure}`;
    await io.stdout.write(`   ${how}: ${repair}\n`);
  }
  const count = (severity: Severity, one: string, many: string) => {
    const number = findings.filter((finding) => finding.severity === severity).length;
    return `${number} ${number === 1 ? one : many}`;
  };
  const sums = [
    count('damage', 'damage', 'damages'),
    count('leftover', 'leftover', 'leftovers'),
    count('note', 'note', 'notes'),
  ];
  await io.stdout.write(`${root}: ${sums.join(', ')}\n`);
}
