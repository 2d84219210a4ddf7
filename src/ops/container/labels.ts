/** The labels that nerdctl's containers carry, for the tools that read them; what holds for us is in the settings. */
export const nerdctlLabels = {
  namespace: 'nerdctl/namespace',
  name: 'nerdctl/name',
  hostname: 'nerdctl/hostname',
  domainname: 'nerdctl/domainname',
  extraHosts: 'nerdctl/extraHosts',
  stateDir: 'nerdctl/state-dir',
  networks: 'nerdctl/networks',
  ip: 'nerdctl/ip',
  ip6: 'nerdctl/ip6',
  macAddress: 'nerdctl/mac-address',
  logUri: 'nerdctl/log-uri',
  logConfig: 'nerdctl/log-config',
  pidFile: 'nerdctl/pid-file',
  anonymousVolumes: 'nerdctl/anonymous-volumes',
  /** One label a mount, as a label has room for 4096 bytes: the number goes behind a dot. */
  mounts: 'nerdctl/mounts',
  platform: 'nerdctl/platform',
  stopTimeout: 'nerdctl/stop-timeout',
  pidContainer: 'nerdctl/pid-container',
  ipc: 'nerdctl/ipc',
  autoRemove: 'nerdctl/auto-remove',
  hostConfig: 'nerdctl/host-config',
  dns: 'nerdctl/dns',
  user: 'nerdctl/user',
  healthcheck: 'nerdctl/healthcheck',
  privileged: 'nerdctl/privileged',
  exposedPorts: 'nerdctl/exposed-ports',
} as const;

/** Users' own labels must not begin so. */
export const nerdctlPrefix = 'nerdctl/';
