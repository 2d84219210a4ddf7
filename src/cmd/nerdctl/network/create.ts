import { createNetwork } from '#ops/networks/create';
import { flag, list, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { keyValues } from './key-values.ts';

/** Flags of docker's for what only a swarm can do. */
const refused = 'there is no swarm';
const swarm = {
  ingress: flag('routing between nodes', { refused }),
  'config-only': flag('a configuration for others', { refused }),
  'config-from': text('the network to take the configuration from', { refused }),
  scope: text('local', { refused }),
};

export const create = command({
  name: 'create',
  summary: 'create a network',
  args: 'NETWORK',
  arity: [1, 1],
  flags: {
    driver: text('bridge, macvlan or ipvlan', { alias: 'd', default: 'bridge' }),
    opt: list('option of the driver: mtu, icc, ip-masq, mode, parent, …', { alias: 'o', value: 'name=value' }),
    'ipam-driver': text('default, host-local or dhcp', { default: 'default' }),
    'ipam-opt': list('option of the ipam driver', { value: 'name=value' }),
    subnet: list('subnet, with its prefix'),
    gateway: list("the machine's address in a subnet"),
    'ip-range': list('the part of a subnet from which addresses are given'),
    'aux-address': list('an address of a subnet that is not given away', { value: 'name=address' }),
    label: list('label', { value: 'name=value' }),
    ipv4: { ...flag('addresses of IPv4', { shown: 'true' }), default: true },
    ipv6: flag('addresses of IPv6'),
    internal: flag('without a way out'),
    attachable: flag('shown by inspect; every network can be connected to'),
    ...swarm,
  },
  run: async (engine, { io, args: [name = ''], flags }) => {
    const id = await createNetwork(engine, {
      name,
      driver: flags.driver,
      options: keyValues('opt', flags.opt, { bare: true }),
      ipamDriver: flags['ipam-driver'],
      ipamOptions: keyValues('ipam-opt', flags['ipam-opt']),
      subnets: flags.subnet,
      gateways: flags.gateway,
      ipRanges: flags['ip-range'],
      auxAddresses: keyValues('aux-address', flags['aux-address']),
      labels: keyValues('label', flags.label, { bare: true }),
      ipv4: flags.ipv4,
      ipv6: flags.ipv6,
      internal: flags.internal,
      attachable: flags.attachable,
    });
    await io.stdout.write(`${id}\n`);
    return 0;
  },
});
