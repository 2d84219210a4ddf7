import { flag, number, text } from '#base/config';
import { type Slot, slot } from '#core/plugin/slot';

/** Something that listens. One whose address is configured and that cannot listen keeps the daemon from starting. */
export interface Server extends AsyncDisposable {
  /** As bound. */
  readonly address: string;
}
export const Server: Slot<Server> = slot('io.containerd.server.v1');

// Before version 4 of the file the servers had tables of their own at its top ([grpc], [ttrpc], [debug], [metrics]); these
// declarations serve both places.
const maxMessageBytes = 16 << 20;
const uid = number({ min: 0, max: 0xffff_fffe, help: 'Owner of the socket.' });
const gid = number({ min: 0, max: 0xffff_fffe, help: 'Group of the socket.' });
const max_recv_message_size = number({
  default: maxMessageBytes,
  min: 1,
  max: 0x7fff_ffff,
  help: 'Largest message that a client may send, in bytes.',
});
const max_send_message_size = number({
  default: maxMessageBytes,
  min: 1,
  max: 0x7fff_ffff,
  help: 'Largest message that is sent to a client, in bytes.',
});

export const grpcFields = {
  address: text({ default: '/run/containerd/containerd.sock', help: 'Path of the unix socket.' }),
  uid,
  gid,
  max_recv_message_size,
  max_send_message_size,
  tcp_address: text({ help: 'host:port to serve with TLS besides the socket; empty for none.' }),
  tcp_tls_ca: text({ help: 'PEM file of signers; when set, clients must show a certificate that one of them signed.' }),
  tcp_tls_cert: text({ help: "PEM file of the server's certificate." }),
  tcp_tls_key: text({ help: 'PEM file of its key.' }),
  tcp_tls_common_name: text({ help: "When set, the common name that a client's certificate must have." }),
} as const;

export const ttrpcFields = {
  address: text({
    help: 'Path of the socket on which shims tell of events; empty for the gRPC path with ".ttrpc" added.',
  }),
  uid,
  gid,
} as const;

export const debugFields = {
  address: text({ help: 'Path of a unix socket with an HTTP server for diagnosis; empty for none.' }),
  uid,
  gid,
} as const;

export const metricsFields = {
  address: text({ help: 'host:port for Prometheus (/v1/metrics); empty for none.' }),
} as const;

/** Whether the duration of every call is kept: a dozen figures for every method that is called. */
export const grpcHistogram = flag({ help: 'Keep a histogram of the duration of gRPC calls.' });
