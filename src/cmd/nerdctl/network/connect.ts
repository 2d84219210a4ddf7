import { isIP } from 'node:net';
import { findContainer } from '#ops/container/find';
import { connectContainer, disconnectContainer } from '#ops/networks/connect';
import { FlagFault, flag, list, number, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';

export const connect = command({
  name: 'connect',
  summary: 'put a container into a network',
  args: 'NETWORK CONTAINER',
  arity: [2, 2],
  completes: ['networks', 'containers'],
  flags: {
    alias: list('a further name of the container in this network'),
    ip: text('its IPv4 address'),
    ip6: text('its IPv6 address'),
    'mac-address': text('its MAC address'),
    'driver-opt': list('', { refused: 'no driver here has options for one container' }),
    'gw-priority': number('', { refused: "the way out is that of the container's first network" }),
    link: list('', { refused: 'containers of a network find each other by their names; --alias gives them others' }),
    'link-local-ip': list('', { refused: 'no network here gives link-local addresses' }),
  },
  run: async (engine, { args: [network = '', word = ''], flags }) => {
    const { ip, ip6, 'mac-address': mac, alias: aliases } = flags;
    if (ip !== '' && isIP(ip) !== 4)
      throw new FlagFault(`invalid argument ${JSON.stringify(ip)} for --ip: not an IPv4 address`);
    if (ip6 !== '' && isIP(ip6) !== 6)
      throw new FlagFault(`invalid argument ${JSON.stringify(ip6)} for --ip6: not an IPv6 address`);
    if (mac !== '' && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac))
      throw new FlagFault(`invalid argument ${JSON.stringify(mac)} for --mac-address: not a MAC address`);
    await connectContainer(engine, await findContainer(engine, word), { network, aliases, ip, ip6, mac });
    return 0;
  },
});

export const disconnect = command({
  name: 'disconnect',
  summary: 'take a container out of a network',
  args: 'NETWORK CONTAINER',
  arity: [2, 2],
  completes: ['networks', 'containers'],
  flags: { force: flag('also from a network that is not described any more', { alias: 'f' }) },
  run: async (engine, { args: [network = '', word = ''], flags }) => {
    await disconnectContainer(engine, await findContainer(engine, word), network, { force: flags.force });
    return 0;
  },
});
