import { isIP } from 'node:net';
import { checkServerIdentity as checkIdentity, type PeerCertificate } from 'node:tls';
import { type ChannelCredentials, Client, connectivityState, credentials } from '@grpc/grpc-js';
import { invalidArgument, unavailable } from '#base/errors';
import { parseAddress } from './address.ts';
import { maxMessageBytes } from './codec.ts';
import { allowLateWrites } from './late-writes.ts';
import { WindowMend } from './window-mend.ts';

/** PEM texts. */
export interface ClientTls {
  /** Signers to trust; the system's when absent. */
  readonly ca?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
  /** Name that the server's certificate must have, when it is not the address's. */
  readonly serverName?: string;
}

/** A connection to a daemon that is made when it is first needed, and again when it was lost. */
export interface Transport extends Disposable {
  readonly address: string;
  /** Whether a part of this daemon answers there, and not a daemon. */
  readonly toPlugin: boolean;
  /** @internal For `clientOf`. */
  readonly grpc: Client;
  /** @internal The same on a connection of its own, for calls that send more than a little; see `WindowMend`. */
  readonly upload: Client;
}

/**
 * Does not connect yet: whether anybody is there shows with the first call. A process `toPlugin` serves this
 * daemon and knows nothing of its leases: it is not told of them.
 *
 * @throws invalid_argument for a malformed address, and for TCP without TLS
 */
export function openTransport(address: string, tls?: ClientTls, { toPlugin = false } = {}): Transport {
  allowLateWrites();
  const parsed = parseAddress(address);
  if (parsed.kind === 'tcp' && tls === undefined) throw invalidArgument(`connect to ${address}: TCP without TLS`);
  const target = parsed.kind === 'unix' ? `unix:${parsed.path}` : `dns:${parsed.host}:${parsed.port}`;
  const secrets = parsed.kind === 'tcp' && tls !== undefined ? secretsOf(parsed.host, tls) : undefined;
  const plain = secrets?.credentials ?? credentials.createInsecure();
  const connect = (given: ChannelCredentials) =>
    new Client(target, given, {
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
      'grpc-node.flow_control_window': flowControlWindow,
      'grpc.enable_channelz': 0,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 3000,
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.use_local_subchannel_pool': 1,
      ...(secrets?.serverName !== undefined && { 'grpc.ssl_target_name_override': secrets.serverName }),
    });
  const usual = new Reconnecting(() => connect(plain));
  const upload = new Reconnecting(() => connect(mending(plain)));
  return {
    address,
    toPlugin,
    get grpc() {
      return usual.client;
    },
    get upload() {
      return upload.client;
    },
    [Symbol.dispose]: () => {
      usual[Symbol.dispose]();
      upload[Symbol.dispose]();
    },
  };
}

class Reconnecting implements Disposable {
  readonly #connect: () => Client;
  #client: Client | undefined;

  constructor(connect: () => Client) {
    this.#connect = connect;
  }

  get client(): Client {
    // After an attempt that failed, a channel refuses calls for a while without trying; but the daemon may be back by now.
    if (this.#client?.getChannel().getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE) {
      this.#client.close();
      this.#client = undefined;
    }
    this.#client ??= this.#connect();
    return this.#client;
  }

  [Symbol.dispose](): void {
    this.#client?.close();
  }
}

/** Credentials whose connections are mended. */
function mending(plain: ChannelCredentials): ChannelCredentials {
  const mended: ChannelCredentials = Object.create(plain);
  mended._createSecureConnector = (...given) => {
    const connector = plain._createSecureConnector(...given);
    return {
      connect: async (socket) => {
        const made = await connector.connect(socket);
        return { ...made, socket: new WindowMend(made.socket) as unknown as typeof socket };
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  };
  return mended;
}

/**
 * Settles once a daemon has answered at the address. For callers that want to give up sooner than a call would; one that comes late is waited for.
 *
 * @throws unavailable, naming the address, when none has within that time
 */
export async function connectWithin(transport: Transport, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    transport.grpc.waitForReady(Date.now() + timeoutMs, (error) =>
      error === undefined
        ? resolve()
        : reject(unavailable(`connect to ${transport.address}: no answer within ${timeoutMs} ms`, error)),
    ),
  );
}

// HTTP/2's own 64 KiB per stream makes a sender of large messages wait for each round trip.
const flowControlWindow = 4 << 20;

function secretsOf(host: string, tls: ClientTls) {
  const address = host.replace(/^\[|\]$/g, '');
  const byAddress = tls.serverName === undefined && isIP(address) !== 0;
  // An address may not be sent as a server's name; grpc-js would. So another name is sent, and the certificate checked for the address.
  const checkServerIdentity = (_: string, certificate: PeerCertificate) => checkIdentity(address, certificate);
  const verify = byAddress ? { checkServerIdentity } : {};
  return {
    credentials: credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.certificate ?? null, verify),
    serverName: byAddress ? 'address.invalid' : tls.serverName,
  };
}
