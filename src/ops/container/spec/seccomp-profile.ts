import { release } from 'node:os';
import { invalidArgument } from '#base/errors';
import { parseSeccomp } from '#lib/oci/spec/seccomp';
import type { Seccomp, SeccompRule } from '#lib/oci/spec/spec';

interface Wanting {
  readonly arches?: readonly string[];
  readonly caps?: readonly string[];
  readonly minKernel?: string;
}

/** docker's profiles have more than the runtime's: rules for some machines or capabilities only, and one name for a rule. */
interface DockerProfile {
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] }[];
  readonly syscalls?: readonly (Partial<SeccompRule> & {
    readonly name?: string;
    readonly comment?: string;
    readonly includes?: Wanting;
    readonly excludes?: Wanting;
  })[];
}

const archNames: Readonly<Record<string, string>> = {
  amd64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
};

export interface ProfileUse {
  readonly architecture: string;
  readonly capabilities: readonly string[];
}

/** Reads a profile in docker's form or the runtime's. @throws invalid_argument for what is none */
export function parseSeccompProfile(bytes: Uint8Array, use: ProfileUse): Seccomp {
  const profile = documentIn(bytes);
  const { archMap, syscalls, ...rest } = profile;
  const own = archMap?.find(({ architecture }) => architecture === archNames[use.architecture]);
  const plain = {
    ...rest,
    ...(own !== undefined && { architectures: [own.architecture, ...(own.subArchitectures ?? [])] }),
    ...(Array.isArray(syscalls) && { syscalls: syscalls.flatMap((rule) => ruleFor(rule, use)) }),
  };
  return parseSeccomp(Buffer.from(JSON.stringify(plain)));
}

function documentIn(bytes: Uint8Array): DockerProfile {
  try {
    const found: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof found === 'object' && found !== null) return found;
  } catch (cause) {
    throw invalidArgument('Decoding seccomp profile failed: no JSON', cause);
  }
  throw invalidArgument('Decoding seccomp profile failed: no JSON of a profile');
}

function ruleFor(rule: NonNullable<DockerProfile['syscalls']>[number], use: ProfileUse): readonly unknown[] {
  const { name, names, comment: _, includes = {}, excludes = {}, ...rest } = rule ?? {};
  const { caps = [], arches = [], minKernel = '' } = includes;
  if (!caps.every((one) => use.capabilities.includes(one))) return [];
  if (arches.length > 0 && !arches.includes(use.architecture)) return [];
  if (minKernel !== '' && isOlder(release(), minKernel)) return [];
  if ((excludes.caps ?? []).some((one) => use.capabilities.includes(one))) return [];
  if ((excludes.arches ?? []).includes(use.architecture)) return [];
  if (excludes.minKernel && !isOlder(release(), excludes.minKernel)) return [];
  const { args, ...others } = rest;
  // runc takes no list that is null.
  return [{ ...others, names: names ?? (name === undefined ? undefined : [name]), ...(args && { args }) }];
}

function isOlder(kernel: string, than: string): boolean {
  const numbers = (text: string) => text.split(/[.-]/, 2).map(Number);
  const [[major = 0, minor = 0], [least = 0, leastMinor = 0]] = [numbers(kernel), numbers(than)];
  return major < least || (major === least && minor < leastMinor);
}
