#!/bin/sh
# Brings the machine and the tree to where everything can be built and tested: Debian packages, npm packages, build.
# Does nothing where nothing is missing, and says what it does. `setup.sh vm`: what `npm run test:vm` needs, too.
set -eu
cd "$(dirname "$0")/.."

# what builds; what runs containers; what the demo and the tests use as registry, oracle and terminal
packages="gcc make libc6-dev
runc
busybox-static docker-registry containerd containernetworking-plugins iptables nginx postgresql-15 groff-base skopeo tmux protobuf-compiler golang-github-containerd-containerd-dev btrfs-progs"

[ "${1:-}" != vm ] || packages="$packages
qemu-system-x86 mmdebstrap e2fsprogs"

missing=""
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || { echo "setup: these Debian packages are missing and only root can install them:$missing" >&2; exit 1; }
  echo "setup: installing Debian packages:$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # A package must not start a daemon of its own: the policy file says so for the time of the installation.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
  fi
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing > /dev/null
fi

if ! cmp -s package-lock.json node_modules/.berth-lock; then
  echo "setup: npm ci"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.berth-lock
fi
