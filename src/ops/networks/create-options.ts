/** docker's `network create`, as it was asked for. */
export interface CreateNetworkOptions {
  readonly name: string;
  /** Empty: bridge. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  /** Empty: default. */
  readonly ipamDriver: string;
  readonly ipamOptions: Readonly<Record<string, string>>;
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
  readonly ipRanges: readonly string[];
  /** Addresses that others have, by a name. */
  readonly auxAddresses: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly internal: boolean;
  readonly attachable: boolean;
}

/** What of it is to be told again and cannot be seen in the plugins: under the key `berth` of the network's file. */
export interface NetworkNote {
  readonly created: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly ipamDriver: string;
  readonly ipamOptions: Readonly<Record<string, string>>;
  readonly ipam: readonly IpamConfig[];
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly internal: boolean;
  readonly attachable: boolean;
}

/** In docker's words. */
export interface IpamConfig {
  readonly Subnet: string;
  readonly IPRange?: string;
  readonly Gateway?: string;
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>>;
}
