import { invalidArgument } from '#base/errors';

/** An operating system on a processor, with Go's names for both. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
}

/** This machine's. */
export function defaultPlatform(): Platform {
  const architecture = goArchitectures.get(process.arch) ?? process.arch;
  return { os: hostOs, architecture, ...(architecture === 'arm' && { variant: 'v7' }) };
}

/**
 * Reads `os`, `architecture`, `os/architecture` or `os/architecture/variant`; the missing half is this machine's.
 * Other names for the same thing (`x86_64`, `aarch64`, `macos`) become Go's.
 *
 * @throws invalid_argument in containerd's words.
 */
export function parsePlatform(text: string): Platform {
  const shown = JSON.stringify(text.slice(0, maxShown));
  if (text.includes('*')) throw invalidArgument(`${shown}: wildcards not yet supported`);
  const parts = text.split('/');
  if (parts.length > 3) throw invalidArgument(`${shown}: cannot parse platform specifier`);
  const first = osWithVersion.exec(parts[0] as string);
  const components = first === null ? parts : [first[1] as string, ...parts.slice(1)];
  for (const part of components) {
    if (component.test(part)) continue;
    const pattern = JSON.stringify(component.source);
    throw invalidArgument(
      `${JSON.stringify(part.slice(0, maxShown))} is an invalid component of ${shown}: platform specifier component must match ${pattern}`,
    );
  }
  const [head, second, variant] = components as [string, string?, string?];
  const system = first === null ? {} : parseSystem(first, shown);
  if (second === undefined) return parseSingle(head, system, shown);
  const { variant: normal, ...platform } = normalizePlatform({
    os: head,
    architecture: second,
    variant: variant ?? '',
  });
  const named = namedVariant(platform.architecture, normal, variant);
  return { ...platform, ...(named !== undefined && { variant: named }), ...system };
}

/** `os/architecture[/variant]`, or `unknown` without an operating system; `os(version+feature)/…` where there are such. */
export function formatPlatform({ os, architecture, variant, osVersion = '', osFeatures = [] }: Platform): string {
  if (os === '') return 'unknown';
  const options = [osVersion, ...[...osFeatures].sort()].map(encodeOption).join('+');
  const system = options === '' ? os : `${os}(${options})`;
  return [system, architecture, variant].filter((part) => part !== undefined && part !== '').join('/');
}

/** The platform under Go's names; the variant that goes without saying (`v1` of amd64, `v8` of arm64) is left out, that of arm is put in. */
export function normalizePlatform(platform: Platform): Platform {
  const lower = platform.os.toLowerCase();
  const os = lower === '' ? hostOs : (osAliases.get(lower) ?? lower);
  const named = normalizeArchitecture(platform.architecture.toLowerCase(), (platform.variant ?? '').toLowerCase());
  const { variant: _, osFeatures = [], ...rest } = platform;
  const features = osFeatures.length > 0 && { osFeatures: [...new Set(osFeatures)].sort() };
  return { ...rest, ...features, os, architecture: named[0], ...(named[1] !== '' && { variant: named[1] }) };
}

/** Tells which platforms are good enough, and which of two is better. */
export interface PlatformMatcher {
  match(platform: Platform): boolean;
  /** Negative when `a` is to be preferred. A platform that does not match comes after all that do. */
  compare(a: Platform, b: Platform): number;
}

/** What runs on `platform`, the best first: amd64 also runs 386 and lower levels, arm and arm64 what came before them. */
export const onlyPlatform = (platform: Platform): PlatformMatcher => matcherOf(runnableOn(platform));

/** The platforms named and no others, in that order of preference. */
export const orderedPlatforms = (...platforms: readonly Platform[]): PlatformMatcher => matcherOf(platforms);

/** Any of the platforms named, none preferred. */
export function anyPlatform(...platforms: readonly Platform[]): PlatformMatcher {
  const { match } = matcherOf(platforms);
  return { match, compare: (a, b) => Number(!match(a)) - Number(!match(b)) };
}

export const allPlatforms: PlatformMatcher = { match: () => true, compare: () => 0 };

/** The platforms whose programs run on `platform`, the best first. */
export function runnableOn(platform: Platform): readonly Platform[] {
  const best = normalizePlatform(platform);
  const { architecture: _, variant: __, ...system } = best;
  const others = (architecture: string, ...variants: string[]) =>
    variants.map((variant) => normalizePlatform({ ...system, architecture, variant }));
  switch (best.architecture) {
    case 'amd64':
      return [best, ...others('amd64', ...levelsBelow(best.variant, 1)), ...others('386', '')];
    case 'arm':
      return [best, ...others('arm', ...levelsBelow(best.variant, 5))];
    case 'arm64':
      return [best, ...others('arm64', ...levelsBelow(best.variant, 8)), ...others('arm', 'v8', 'v7', 'v6', 'v5')];
    default:
      return [best];
  }
}

const hostOs = process.platform === 'win32' ? 'windows' : process.platform;
const maxShown = 128;
const component = /^[A-Za-z0-9_-]+$/;
const osWithVersion = /^([A-Za-z0-9_-]+)\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\)$/;
const osAliases: ReadonlyMap<string, string> = new Map([['macos', 'darwin']]);
const knownSystems: ReadonlySet<string> = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos'.split(
    ' ',
  ),
);
const knownArchitectures: ReadonlySet<string> = new Set(
  (
    '386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64 ppc64le riscv riscv64 ' +
    's390 s390x sparc sparc64 wasm'
  ).split(' '),
);
const goArchitectures: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', 'ppc64le'],
]);

/** What the user said stays visible: arm alone gets no v7, and `arm64/v8` keeps its v8. */
function namedVariant(architecture: string, normal: string | undefined, given: string | undefined): string | undefined {
  if (given === undefined && architecture === 'arm' && normal === 'v7') return undefined;
  return given !== undefined && architecture === 'arm64' ? (normal ?? 'v8') : normal;
}

type System = Pick<Platform, 'osVersion' | 'osFeatures'>;

function parseSystem([, , version = '', features = '']: RegExpExecArray, shown: string): System {
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch (thrown) {
      throw invalidArgument(
        `${shown}: ${JSON.stringify(text)} is no version and no feature of an operating system`,
        thrown,
      );
    }
  };
  const found = features.split('+').slice(1).map(decode);
  return { ...(version !== '' && { osVersion: decode(version) }), ...(found.length > 0 && { osFeatures: found }) };
}

/** What has a meaning of its own between the parentheses is escaped. */
const encodeOption = (text: string): string =>
  text.replace(/[%+()/]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

function parseSingle(text: string, system: System, shown: string): Platform {
  const host = defaultPlatform();
  const lower = text.toLowerCase();
  const os = osAliases.get(lower) ?? lower;
  if (knownSystems.has(os)) {
    const { variant, ...rest } = host;
    // v7 is what arm means; saying it would only make the name longer.
    return { ...rest, os, ...(variant !== undefined && variant !== 'v7' && { variant }), ...system };
  }
  const { os: _, ...platform } = normalizePlatform({ os: hostOs, architecture: text });
  if (Object.keys(system).length > 0 || !knownArchitectures.has(platform.architecture)) {
    throw invalidArgument(`${shown}: unknown operating system or architecture`);
  }
  const { variant, ...withoutVariant } = platform;
  return { os: hostOs, ...(platform.architecture === 'arm' && variant === 'v7' ? withoutVariant : platform) };
}

function normalizeArchitecture(
  architecture: string,
  variant: string,
): readonly [architecture: string, variant: string] {
  switch (architecture) {
    case 'i386':
      return ['386', ''];
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return ['amd64', variant === 'v1' ? '' : variant];
    case 'aarch64':
    case 'arm64':
      return ['arm64', arm64Variants.get(variant) ?? variant];
    case 'armhf':
      return ['arm', 'v7'];
    case 'armel':
      return ['arm', 'v6'];
    case 'arm':
      if (variant === '') return ['arm', 'v7'];
      return ['arm', /^[5-8]$/.test(variant) ? `v${variant}` : variant];
    default:
      return [architecture, variant];
  }
}

const arm64Variants: ReadonlyMap<string, string> = new Map([
  ['8', ''],
  ['v8', ''],
  ['8.0', ''],
  ['v8.0', ''],
  ['9', 'v9'],
  ['9.0', 'v9'],
  ['v9.0', 'v9'],
]);

/** `v4` with lowest 1: `v3`, `v2`, `v1`. Nothing for a variant that is no level. */
function levelsBelow(variant: string | undefined, lowest: number): string[] {
  const level = /^v(\d{1,2})$/.exec(variant ?? '')?.[1];
  const count = level === undefined ? 0 : Math.max(0, Number(level) - lowest);
  return Array.from({ length: count }, (_, i) => `v${Number(level) - 1 - i}`);
}

function matcherOf(platforms: readonly Platform[]): PlatformMatcher {
  const wanted = platforms.map(normalizePlatform);
  const rank = (platform: Platform) => {
    const normal = normalizePlatform(platform);
    const at = wanted.findIndex((one) => same(one, normal));
    return at < 0 ? wanted.length : at;
  };
  return { match: (platform) => rank(platform) < wanted.length, compare: (a, b) => rank(a) - rank(b) };
}

/** Windows cares for its version; elsewhere it says nothing about what runs. What needs features runs where they all are. */
function same(wanted: Platform, found: Platform): boolean {
  return (
    wanted.os === found.os &&
    wanted.architecture === found.architecture &&
    (wanted.variant ?? '') === (found.variant ?? '') &&
    (wanted.os !== 'windows' || wanted.osVersion === undefined || wanted.osVersion === found.osVersion) &&
    (found.osFeatures ?? []).every((feature) => wanted.osFeatures?.includes(feature) === true)
  );
}
