import { invalidArgument, notImplemented } from '#base/errors';
import { parseBoundedJson } from '../bounded-json.ts';
import { Fields } from '../fields.ts';
import {
  allowedCalls,
  allowedPersonalities,
  callsByArchitecture,
  callsByCapability,
  namespaceFlags,
} from './seccomp-syscalls.ts';
import { type Seccomp, type SeccompArgument, type SeccompRule, type Spec, withLinux } from './spec.ts';

/** Filters the container's system calls. Give it last: the default profile depends on the capabilities. */
export const withSeccomp = (spec: Spec, seccomp: Seccomp): Spec => withLinux(spec, { seccomp });

/**
 * The default profile for what a container with the spec's capabilities may do.
 *
 * @throws not_implemented for processors other than amd64 and arm64.
 */
export function defaultSeccomp(spec: Spec, architecture: string): Seccomp {
  const own = callsByArchitecture.get(architecture);
  if (own === undefined) throw notImplemented(`seccomp profile for ${architecture}`);
  const held = spec.process?.capabilities?.bounding ?? [];
  const syscalls = [
    allow(allowedCalls),
    ...allowedPersonalities.map((value) => allow(['personality'], { index: 0, value, op: 'SCMP_CMP_EQ' })),
    // Safe since Linux 4.8, and Berth needs a later one.
    allow(['ptrace']),
    allow(own.calls),
    ...held.flatMap((capability) => {
      const calls = callsByCapability.get(capability);
      return calls === undefined ? [] : [allow(calls)];
    }),
    ...(held.includes('CAP_SYS_ADMIN') ? [] : withoutNewNamespaces),
  ];
  return { defaultAction: 'SCMP_ACT_ERRNO', architectures: own.names, syscalls };
}

/**
 * Reads a profile from a file in the form of the runtime specification.
 *
 * @throws invalid_argument for what is no such profile.
 */
export function parseSeccomp(bytes: Uint8Array): Seccomp {
  const json = parseBoundedJson(bytes, { maxBytes: maxProfileBytes });
  const fields = new Fields(json, 'seccomp profile');
  fields.requiredText('defaultAction');
  fields.texts('architectures', maxRules);
  for (const rule of fields.objects('syscalls', maxRules)) {
    rule.requiredText('action');
    if (!rule.has('names')) throw invalidArgument('seccomp profile: a rule without names');
    rule.texts('names', maxRules);
    for (const argument of rule.objects('args', maxRules)) {
      argument.count('index');
      argument.count('value');
      argument.count('valueTwo');
      argument.requiredText('op');
    }
  }
  return json as unknown as Seccomp;
}

const maxProfileBytes = 1 << 20;
const maxRules = 4096;
const notThere = 38;

function allow(names: readonly string[], ...args: readonly SeccompArgument[]): SeccompRule {
  return { names, action: 'SCMP_ACT_ALLOW', ...(args.length > 0 && { args }) };
}

/**
 * clone only without the flags that make namespaces. clone3 has its flags in memory, where no filter sees them: it answers that it does not exist,
 * and the C library falls back to clone.
 */
const withoutNewNamespaces: readonly SeccompRule[] = [
  allow(['clone'], { index: 0, value: namespaceFlags, op: 'SCMP_CMP_MASKED_EQ' }),
  { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: notThere },
];
