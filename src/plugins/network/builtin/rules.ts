import { createHash } from 'node:crypto';
import { unavailable } from '#base/errors';
import { formatCidr } from '#lib/cidr';
import type { JsonObject } from '#lib/cni/network-config';
import { run } from '#sys/process';
import type { KnownChain } from './known-chain.ts';

/** Lines for iptables-restore, by table. */
export interface RuleChange {
  readonly nat: readonly string[];
  readonly filter: readonly string[];
}

export interface RuleSubject {
  readonly chain: KnownChain;
  readonly containerId: string;
  readonly address: string;
  readonly ports: readonly JsonObject[];
}

/** The rules that bridge, portmap and firewall make for a container: the same, so that either can take away the other's. */
export function rulesToAdd(subject: RuleSubject): RuleChange {
  const { masquerade, publish, own, filter } = rulesOf(subject);
  const chains = [...(masquerade === '' ? [] : [masquerade]), ...(publish === '' ? [] : [publish])];
  return { nat: [...chains.map((one) => `:${one} - [0:0]`), ...own.map(append)], filter: filter.map(append) };
}

export function rulesToRemove(subject: RuleSubject): RuleChange {
  const { masquerade, publish, own, filter } = rulesOf(subject);
  const chains = [masquerade, publish].filter((one) => one !== '');
  const outside = own.filter((rule) => !chains.some((chain) => rule.startsWith(`${chain} `)));
  const nat = [...outside.map(remove), ...chains.map((one) => `-F ${one}`), ...chains.map((one) => `-X ${one}`)];
  return { nat, filter: filter.map(remove) };
}

const append = (rule: string): string => `-A ${rule}`;
const remove = (rule: string): string => `-D ${rule}`;

function rulesOf({ chain, containerId, address, ports }: RuleSubject) {
  const { network, subnet } = chain;
  const hash = createHash('sha512').update(`${network}${containerId}`).digest('hex');
  const about = `name: \\"${network}\\" id: \\"${containerId}\\"`;
  const comment = `-m comment --comment "${about}"`;
  const masquerade = chain.masquerade ? `CNI-${hash.slice(0, 24)}` : '';
  const publish = ports.length > 0 ? `CNI-DN-${hash.slice(0, 21)}` : '';
  const own = [
    ...(masquerade === ''
      ? []
      : [
          `POSTROUTING -s ${address}/32 ${comment} -j ${masquerade}`,
          `${masquerade} -d ${formatCidr(subnet)} ${comment} -j ACCEPT`,
          `${masquerade} ! -d 224.0.0.0/4 ${comment} -j MASQUERADE`,
        ]),
    ...(publish === '' ? [] : entries(ports, `dnat ${about}`, publish)),
    ...ports.flatMap((port) => published(port, publish, address, formatCidr(subnet))),
  ];
  const filter = [
    `CNI-FORWARD -d ${address}/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `CNI-FORWARD -s ${address}/32 -j ACCEPT`,
  ];
  return { masquerade, publish, own, filter };
}

/** A rule of the kind has room for 15 ports. */
function entries(ports: readonly JsonObject[], about: string, publish: string): readonly string[] {
  const numbers = [...new Set(ports.map(({ hostPort }) => Number(hostPort)))];
  const groups = Array.from({ length: Math.ceil(numbers.length / 15) }, (_, at) =>
    numbers.slice(at * 15, at * 15 + 15),
  );
  return groups.map(
    (group) =>
      `CNI-HOSTPORT-DNAT -p tcp -m comment --comment "${about}" -m multiport --dports ${group.join(',')} -j ${publish}`,
  );
}

function published(
  { hostPort, containerPort, hostIP }: JsonObject,
  publish: string,
  address: string,
  subnet: string,
): readonly string[] {
  const to = hostIP === '' || hostIP === '0.0.0.0' ? '' : ` -d ${hostIP}/32`;
  const match = `${to} -p tcp -m tcp --dport ${hostPort}`;
  return [
    `${publish} -s ${subnet}${match} -j CNI-HOSTPORT-SETMARK`,
    `${publish} -s 127.0.0.1/32${match} -j CNI-HOSTPORT-SETMARK`,
    `${publish}${match} -j DNAT --to-destination ${address}:${containerPort}`,
  ];
}

/** So long what was seen of common rules is believed: others may flush them at any time. */
const believedMs = 10_000;

interface Waiting {
  readonly change: RuleChange;
  readonly done: PromiseWithResolvers<void>;
}

const escaped = (text: string): string => text.replaceAll(/[^\w-]/g, '\\$&');

/** Changes rules; those that come while a change is made are made together. */
export class Rules {
  readonly #environment: Readonly<Record<string, string>>;
  #waiting: Waiting[] = [];
  #busy = false;
  #seen: { readonly untilMs: number; readonly lines: Promise<readonly string[]> } | undefined;

  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment;
  }

  /** All of a change or nothing of a table. @throws unavailable with iptables' words */
  async change(change: RuleChange): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ change, done });
    if (!this.#busy) void this.#work();
    await done.promise;
  }

  /** Whether the rules that all containers of a bridge share are there, as the plugins make them with their first ADD. */
  async prepared(bridge: string, { ports }: { readonly ports: boolean }): Promise<boolean> {
    const wanted = [
      /^-A FORWARD .*-j CNI-FORWARD$/,
      new RegExp(`^-A CNI-ISOLATION-STAGE-1 -i ${escaped(bridge)} .*-j CNI-ISOLATION-STAGE-2$`),
      ...(ports ? [/^-A PREROUTING .*-j CNI-HOSTPORT-DNAT$/, /^-A OUTPUT .*-j CNI-HOSTPORT-DNAT$/] : []),
      ...(ports ? [/^-A POSTROUTING .*-j CNI-HOSTPORT-MASQ$/] : []),
    ];
    const holds = (lines: readonly string[]) => wanted.every((one) => lines.some((line) => one.test(line)));
    const known = this.#seen;
    if (known !== undefined && known.untilMs > performance.now() && holds(await known.lines)) return true;
    if (this.#seen === known) this.#seen = { untilMs: performance.now() + believedMs, lines: this.#look() };
    return holds((await this.#seen?.lines) ?? []);
  }

  /** None where it cannot be seen: then the plugins say why. */
  async #look(): Promise<readonly string[]> {
    const { stdout } = await run(['iptables-save'], { env: this.#environment, maxOutput: 1 << 24 }).catch(() => ({
      stdout: '',
    }));
    return stdout
      .split('\n')
      .filter((line) => /^-A (FORWARD|PREROUTING|OUTPUT|POSTROUTING|CNI-ISOLATION-STAGE-1) .*-j CNI-[A-Z]/.test(line));
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const all = this.#waiting;
      this.#waiting = [];
      const together = await this.#restore(all.map(({ change }) => change)).catch((thrown: unknown) => thrown);
      for (const { change, done } of all) {
        if (together === undefined) done.resolve();
        else if (all.length === 1) done.reject(together);
        else await this.#restore([change]).then(done.resolve, done.reject); // one of them is wrong
      }
    }
    this.#busy = false;
  }

  async #restore(changes: readonly RuleChange[]): Promise<undefined> {
    const table = (name: keyof RuleChange) => {
      const lines = changes.flatMap((change) => change[name]);
      return lines.length === 0 ? '' : `*${name}\n${lines.join('\n')}\nCOMMIT\n`;
    };
    const input = Buffer.from(`${table('nat')}${table('filter')}`);
    const { exitCode, stderr } = await run(['iptables-restore', '-w', '10', '--noflush'], {
      env: this.#environment,
      input,
    });
    if (exitCode !== 0) throw unavailable(`iptables-restore: ${stderr.trim()}`);
    return undefined;
  }
}
