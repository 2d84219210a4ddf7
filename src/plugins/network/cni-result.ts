import type { NetworkInterface } from '#core/engine/network-state';
import type { JsonObject } from '#lib/cni/network-config';

interface Result {
  readonly interfaces?: readonly { readonly name?: string; readonly mac?: string; readonly sandbox?: string }[];
  readonly ips?: readonly { readonly address?: string; readonly gateway?: string; readonly interface?: number }[];
}

/** What CNI's plugins said of the container's interface. Versions before 1.0.0 are close enough: what is lacking is empty. */
export function interfaceOf(
  result: JsonObject,
  own: Pick<NetworkInterface, 'name' | 'network' | 'names'>,
): NetworkInterface {
  const { interfaces = [], ips = [] } = result as Result;
  const at = interfaces.findIndex(({ name, sandbox = '' }) => name === own.name && sandbox !== '');
  const mine = ips.filter((ip) => ip.interface === undefined || ip.interface === at);
  const four = mine.find(({ address = '' }) => address !== '' && !address.includes(':'));
  const six = mine.find(({ address = '' }) => address.includes(':'));
  const [ip = '', prefix = '0'] = (four?.address ?? '').split('/');
  const [ip6 = '', prefix6 = '0'] = (six?.address ?? '').split('/');
  return {
    ...own,
    mac: interfaces[at]?.mac ?? '',
    ...{ ip, prefix: Number(prefix), gateway: four?.gateway ?? '' },
    ...{ ip6, prefix6: Number(prefix6), gateway6: six?.gateway ?? '' },
  };
}
