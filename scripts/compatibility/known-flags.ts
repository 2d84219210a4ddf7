/**
 * The flags of docker 28 and of containerd's nerdctl 2.3, command by command, by their long names: what the table of compatibility is about.
 * Without docker's commands for swarms, contexts and plugins, and without flags that only Windows has. Read from the programs' own help.
 */
export interface KnownFlags {
  readonly docker?: string;
  readonly nerdctl?: string;
}

export const knownFlags: Readonly<Record<string, KnownFlags>> = {
  'apparmor inspect': { nerdctl: '' },
  'apparmor load': { nerdctl: '' },
  'apparmor ls': { nerdctl: 'format quiet' },
  'apparmor unload': { nerdctl: '' },
  attach: { docker: 'detach-keys no-stdin sig-proxy', nerdctl: 'detach-keys no-stdin' },
  build: {
    docker:
      'add-host build-arg cache-from cgroup-parent compress cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems disable-content-trust file force-rm iidfile isolation label memory memory-swap network no-cache platform pull quiet rm security-opt shm-size squash tag target ulimit',
    nerdctl:
      'add-host allow attest build-arg build-context buildkit-host cache-from cache-to file iidfile ipfs label network no-cache output platform progress provenance pull quiet rm sbom secret source-policy-file ssh tag target',
  },
  'builder debug': { nerdctl: 'build-arg file image secret ssh target' },
  'builder prune': { docker: 'all filter force keep-storage', nerdctl: 'all buildkit-host force' },
  'checkpoint create': { docker: 'checkpoint-dir leave-running', nerdctl: 'checkpoint-dir leave-running' },
  'checkpoint ls': { docker: 'checkpoint-dir', nerdctl: 'checkpoint-dir' },
  'checkpoint rm': { docker: 'checkpoint-dir', nerdctl: 'checkpoint-dir' },
  commit: {
    docker: 'author change message pause',
    nerdctl: 'author change compression estargz format message pause zstdchunked',
  },
  completion: { nerdctl: '' },
  'container healthcheck': { nerdctl: '' },
  'container inspect': { docker: 'format size', nerdctl: 'format mode size' },
  'container prune': { docker: 'filter force', nerdctl: 'force' },
  cp: { docker: 'archive follow-link quiet', nerdctl: 'follow-link' },
  create: {
    docker:
      'add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops disable-content-trust dns dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval health-retries health-start-interval health-start-period health-timeout help hostname init interactive ip ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name network network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit platform privileged publish publish-all pull quiet read-only restart rm runtime security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit use-api-socket user userns uts volume volume-driver volumes-from workdir',
    nerdctl:
      'add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-conf cgroup-parent cgroupns cidfile cosign-certificate-identity cosign-certificate-identity-regexp cosign-certificate-oidc-issuer cosign-certificate-oidc-issuer-regexp cosign-key cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach-keys device device-read-bps device-read-iops device-write-bps device-write-iops dns dns-opt dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval health-retries health-start-period health-timeout hostname init init-binary interactive ip ip6 ipc ipfs-address isolation kernel-memory label label-file log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name network no-healthcheck oom-kill-disable oom-score-adj pid pidfile pids-limit platform privileged publish publish-all pull quiet rdt-class read-only restart rm rootfs runtime security-opt shm-size sig-proxy stop-signal stop-timeout sysctl systemd tmpfs tty ulimit umask user userns uts verify volume volumes-from workdir',
  },
  diff: { docker: '', nerdctl: '' },
  events: { docker: 'filter format since until', nerdctl: 'filter format' },
  exec: {
    docker: 'detach detach-keys env env-file interactive privileged tty user workdir',
    nerdctl: 'detach env env-file interactive privileged tty user workdir',
  },
  export: { docker: 'output', nerdctl: 'output' },
  history: { docker: 'format human no-trunc platform quiet', nerdctl: 'format human no-trunc quiet' },
  'image convert': {
    nerdctl:
      'all-platforms erofs erofs-compressors erofs-mkfs-options estargz estargz-chunk-size estargz-compression-level estargz-external-toc estargz-gzip-helper estargz-keep-diff-id estargz-min-chunk-size estargz-record-in format nydus oci overlaybd overlaybd-dbstr overlaybd-fs-type overlaybd-vsize platform soci soci-min-layer-size soci-span-size uncompress zstd zstd-compression-level zstdchunked',
  },
  'image decrypt': { nerdctl: 'all-platforms dec-recipient gpg-homedir gpg-version key platform recipient' },
  'image encrypt': { nerdctl: 'all-platforms dec-recipient gpg-homedir gpg-version key platform recipient' },
  'image inspect': { docker: 'format platform', nerdctl: 'format mode platform' },
  'image prune': { docker: 'all filter force', nerdctl: 'all filter force' },
  images: {
    docker: 'all digests filter format no-trunc quiet tree',
    nerdctl: 'all digests filter format names no-trunc quiet',
  },
  import: { docker: 'change message platform', nerdctl: 'message platform' },
  info: { docker: 'format', nerdctl: 'format mode' },
  inspect: { docker: 'format size type', nerdctl: 'format mode size type' },
  'ipfs registry serve': { nerdctl: 'ipfs-address listen-registry read-retry-num read-timeout' },
  kill: { docker: 'signal', nerdctl: 'signal' },
  load: { docker: 'input platform quiet', nerdctl: 'all-platforms input platform quiet' },
  login: { docker: 'password password-stdin username', nerdctl: 'password password-stdin username' },
  logout: { docker: '', nerdctl: '' },
  logs: { docker: 'details follow since tail timestamps until', nerdctl: 'details follow since tail timestamps until' },
  'manifest annotate': {
    docker: 'arch os os-features os-version variant',
    nerdctl: 'arch os os-features os-version variant',
  },
  'manifest create': { docker: 'amend insecure', nerdctl: 'amend insecure' },
  'manifest inspect': { docker: 'insecure verbose', nerdctl: 'insecure verbose' },
  'manifest push': { docker: 'insecure purge', nerdctl: 'insecure purge' },
  'manifest rm': { docker: '', nerdctl: '' },
  'namespace create': { nerdctl: 'label' },
  'namespace inspect': { nerdctl: 'format' },
  'namespace ls': { nerdctl: 'format quiet' },
  'namespace rm': { nerdctl: 'cgroup' },
  'namespace update': { nerdctl: 'label' },
  'network connect': { docker: 'alias driver-opt gw-priority ip ip6 link link-local-ip' },
  'network create': {
    docker:
      'attachable aux-address config-from config-only driver gateway ingress internal ip-range ipam-driver ipam-opt ipv4 ipv6 label opt scope subnet',
    nerdctl: 'aux-address driver gateway internal ip-range ipam-driver ipam-opt ipv4 ipv6 label opt subnet',
  },
  'network disconnect': { docker: 'force' },
  'network inspect': { docker: 'format verbose', nerdctl: 'format mode' },
  'network ls': { docker: 'filter format no-trunc quiet', nerdctl: 'filter format quiet' },
  'network prune': { docker: 'filter force', nerdctl: 'force' },
  'network rm': { docker: 'force', nerdctl: '' },
  pause: { docker: '', nerdctl: '' },
  port: { docker: '', nerdctl: '' },
  ps: {
    docker: 'all filter format last latest no-trunc quiet size',
    nerdctl: 'all filter format last latest no-trunc quiet size',
  },
  pull: {
    docker: 'all-tags disable-content-trust platform quiet',
    nerdctl: 'all-platforms cosign-key ipfs-address platform quiet soci-index-digest unpack verify',
  },
  push: {
    docker: 'all-tags disable-content-trust platform quiet',
    nerdctl:
      'all-platforms all-tags allow-nondistributable-artifacts cosign-key estargz ipfs-address ipfs-ensure-image notation-key-name platform quiet sign soci-min-layer-size soci-span-size',
  },
  rename: { docker: '', nerdctl: '' },
  restart: { docker: 'signal timeout', nerdctl: 'signal time' },
  rm: { docker: 'force link volumes', nerdctl: 'force volumes' },
  rmi: { docker: 'force no-prune platform', nerdctl: 'async force' },
  run: {
    docker:
      'add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops disable-content-trust dns dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval health-retries health-start-interval health-start-period health-timeout help hostname init interactive ip ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name network network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit platform privileged publish publish-all pull quiet read-only restart rm runtime security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit use-api-socket user userns uts volume volume-driver volumes-from workdir',
    nerdctl:
      'add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-conf cgroup-parent cgroupns cidfile cosign-certificate-identity cosign-certificate-identity-regexp cosign-certificate-oidc-issuer cosign-certificate-oidc-issuer-regexp cosign-key cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach detach-keys device device-read-bps device-read-iops device-write-bps device-write-iops dns dns-opt dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval health-retries health-start-period health-timeout hostname init init-binary interactive ip ip6 ipc ipfs-address isolation kernel-memory label label-file log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name network no-healthcheck oom-kill-disable oom-score-adj pid pidfile pids-limit platform privileged publish publish-all pull quiet rdt-class read-only restart rm rootfs runtime security-opt shm-size sig-proxy stop-signal stop-timeout sysctl systemd tmpfs tty ulimit umask user userns uts verify volume volumes-from workdir',
  },
  save: { docker: 'output platform', nerdctl: 'all-platforms output platform quiet' },
  search: { docker: 'filter format limit no-trunc', nerdctl: 'filter format limit no-trunc' },
  start: {
    docker: 'attach checkpoint checkpoint-dir detach-keys interactive',
    nerdctl: 'attach checkpoint checkpoint-dir detach-keys interactive',
  },
  stats: { docker: 'all format no-stream no-trunc', nerdctl: 'all format no-stream no-trunc' },
  stop: { docker: 'signal timeout', nerdctl: 'signal time' },
  'system df': { docker: 'format verbose' },
  'system prune': { docker: 'all filter force volumes', nerdctl: 'all force volumes' },
  tag: { docker: '', nerdctl: '' },
  top: { docker: '', nerdctl: '' },
  unpause: { docker: '', nerdctl: '' },
  update: {
    docker:
      'blkio-weight cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems memory memory-reservation memory-swap pids-limit restart',
    nerdctl:
      'blkio-weight cpu-period cpu-quota cpu-shares cpus cpuset-cpus cpuset-mems kernel-memory memory memory-reservation memory-swap pids-limit restart',
  },
  version: { docker: 'format', nerdctl: 'format' },
  'volume create': { docker: 'driver label opt', nerdctl: 'label' },
  'volume inspect': { docker: 'format', nerdctl: 'format size' },
  'volume ls': { docker: 'filter format quiet', nerdctl: 'filter format quiet size' },
  'volume prune': { docker: 'all filter force', nerdctl: 'all force' },
  'volume rm': { docker: 'force', nerdctl: 'force' },
  wait: { docker: '', nerdctl: '' },
};
