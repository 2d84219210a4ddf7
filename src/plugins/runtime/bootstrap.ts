import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BootstrapParamsSchema, BootstrapResultSchema, LogLevel } from '#api/runtime/bootstrap/v1/bootstrap_pb';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import type { TaskEndpoint } from '#core/sandboxes/controller';
import { encodeAny } from './wire.ts';

/**
 * How to reach a shim, as its `start` tells it. Three generations are in use: a bare address (task service v2 over ttrpc),
 * JSON, and a protobuf message.
 */
export interface Bootstrap {
  /** Of the task service: 2 or 3. */
  readonly version: number;
  /** `unix:///run/containerd/s/…` */
  readonly address: string;
  readonly protocol: string;
}

const oldestVersion = 2;
const newestVersion = 3;

/** Reads what a shim's `start` printed, whatever its generation. @throws invalid_argument quoting the output */
export function parseBootstrap(output: Uint8Array): Bootstrap {
  const found = parseProto(output) ?? parseJson(output) ?? parsePlain(output);
  if (found === undefined) throw invalidArgument(`shim start printed no address: ${quote(output)}`);
  return checked(found);
}

/** The form in which sandboxes tell where their tasks are served: `ttrpc+unix:///run/containerd/s/…`. */
export const formatEndpoint = ({ address, protocol, version }: Bootstrap): TaskEndpoint => ({
  address: `${protocol}+${address}`,
  version,
});

/** The inverse. @throws invalid_argument */
export function parseEndpoint({ address, version }: TaskEndpoint): Bootstrap {
  const plus = address.indexOf('+');
  if (plus === -1)
    throw invalidArgument(
      `sandbox address ${JSON.stringify(address)}: wanted <protocol>+<address>, as in ttrpc+unix:///run/x`,
    );
  return checked({ version, protocol: address.slice(0, plus), address: address.slice(plus + 1) });
}

function checked(found: Bootstrap): Bootstrap {
  if (!Number.isInteger(found.version) || found.version < oldestVersion)
    throw invalidArgument(`shim speaks task service version ${found.version}: no such version`);
  if (found.version > newestVersion)
    throw invalidArgument(
      `shim speaks task service version ${found.version}; ${newestVersion} is the newest known here`,
    );
  if (found.protocol !== 'ttrpc')
    throw invalidArgument(`shim protocol ${JSON.stringify(found.protocol)}: only ttrpc is spoken here`);
  return found;
}

/** The form kept as `bootstrap.json` in the bundle, so that a later daemon finds the shim again. */
export const formatBootstrap = (bootstrap: Bootstrap): string => JSON.stringify(bootstrap);

/** What goes to the standard input of `start`. The generation decides: each chokes on another's. */
export type Generation = 'options' | 'params';

export interface StartParams {
  readonly namespace: string;
  readonly id: string;
  readonly grpcAddress: string;
  readonly ttrpcAddress: string;
  readonly executable: string;
  readonly version: string;
  readonly debug: boolean;
  /** Ask for a core scheduling domain of the shim's own. */
  readonly schedCore?: boolean;
  readonly options?: Any;
}

export function startInput(generation: Generation, params: StartParams): Uint8Array {
  const options = params.options === undefined ? new Uint8Array() : encodeAny(params.options);
  if (generation === 'options') return options;
  return toBinary(BootstrapParamsSchema, {
    $typeName: 'containerd.runtime.bootstrap.v1.BootstrapParams',
    instanceId: params.id,
    namespace: params.namespace,
    logLevel: params.debug ? LogLevel.DEBUG : LogLevel.INFO,
    containerdVersion: params.version,
    containerdTtrpcAddress: params.ttrpcAddress,
    containerdGrpcAddress: params.grpcAddress,
    containerdBinary: params.executable,
    extensions:
      params.options === undefined
        ? []
        : [
            {
              $typeName: 'containerd.runtime.bootstrap.v1.Extension',
              value: { $typeName: 'google.protobuf.Any', typeUrl: params.options.typeUrl, value: params.options.value },
            },
          ],
    socketDir: '',
  });
}

/**
 * From what `<shim> -v` prints: 2.3 was the first to want its parameters as a message. Only the form of containerd's own shim library counts:
 * other makers number their programs as they like, and are built on it mostly at an older version.
 */
export function generationOf(versionOutput: string): Generation {
  const match = /^\s*Version:\s+v?(\d+)\.(\d+)\./m.exec(versionOutput);
  if (match === null) return 'options';
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > 2 || (major === 2 && minor >= 3) ? 'params' : 'options';
}

function parseProto(output: Uint8Array): Bootstrap | undefined {
  if (output[0] !== 0x08) return undefined; // field 1, varint: the version comes first, and no address or JSON begins so
  try {
    const { version, address, protocol } = fromBinary(BootstrapResultSchema, output);
    return address === '' ? undefined : { version, address, protocol };
  } catch {
    return undefined; // not this form: the caller tries the next and reports when none fits
  }
}

function parseJson(output: Uint8Array): Bootstrap | undefined {
  const text = new TextDecoder().decode(output).trim();
  if (!text.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // as above
  }
  const { version, address, protocol } = value as Partial<Record<keyof Bootstrap, unknown>>;
  if (typeof version !== 'number' || typeof address !== 'string' || address === '') return undefined;
  return { version, address, protocol: typeof protocol === 'string' && protocol !== '' ? protocol : 'ttrpc' };
}

function parsePlain(output: Uint8Array): Bootstrap | undefined {
  const address = new TextDecoder().decode(output).trim();
  return /^(unix|vsock|hvsock):\/\/\S+$/.test(address) ? { version: 2, address, protocol: 'ttrpc' } : undefined;
}

const quote = (output: Uint8Array): string => JSON.stringify(new TextDecoder().decode(output.subarray(0, 512)));
