import type { Client } from '#client/client';
import type { Layout } from '#core/engine/layout';
import type { Scope } from '#core/scope';

/** What every operation works with. A program of its own makes one with `openClient`, `scopeOf` and `layoutFor`. */
export interface Engine {
  readonly client: Client;
  readonly scope: Scope;
  readonly layout: Layout;
  readonly config: EngineConfig;
}

/** What holds for all operations of a program. Empty: as the daemon, or custom, has it. */
export interface EngineConfig {
  readonly address: string;
  readonly namespace: string;
  readonly snapshotter: string;
  readonly dataRoot: string;
  readonly cgroupManager: 'cgroupfs' | 'systemd' | 'none';
  readonly insecureRegistry: boolean;
  readonly hostsDirs: readonly string[];
  readonly cniNetconfPath: string;
  readonly cniPath: string;
  readonly bridgeIp: string;
  readonly hostGatewayIp: string;
  readonly cdiSpecDirs: readonly string[];
  readonly usernsRemap: string;
  readonly experimental: boolean;
  readonly kubeHideDupe: boolean;
  /** For containers that say nothing else. */
  readonly dns: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
}
