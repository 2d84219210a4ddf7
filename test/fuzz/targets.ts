import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { FuzzTarget } from './target.ts';
import { accounts } from './targets/accounts.ts';
import { configuration, hosts } from './targets/configuration.ts';
import { cdi, cni, mountTemplates } from './targets/devices.ts';
import { dns } from './targets/dns.ts';
import { imageConfigs, json, manifests } from './targets/documents.ts';
import { encryption } from './targets/encryption.ts';
import { filters } from './targets/filters.ts';
import { references } from './targets/references.ts';
import { bootstraps, challenges, tokens } from './targets/registries.ts';
import { services } from './targets/services.ts';
import { specs } from './targets/specs.ts';
import { tar } from './targets/tar.ts';
import { templates } from './targets/templates.ts';
import { ttrpcFrames, ttrpcMessages } from './targets/ttrpc.ts';
import { events, values } from './targets/values.ts';

/** What the daemon and its clients read from others. The shim's decoders are fuzzed in C (`native/shim/fuzz`). */
export const targets: readonly FuzzTarget[] = [
  tar,
  references,
  json,
  manifests,
  imageConfigs,
  filters,
  configuration,
  hosts,
  ttrpcFrames,
  ttrpcMessages,
  specs,
  accounts,
  challenges,
  tokens,
  bootstraps,
  values,
  events,
  services,
  encryption,
  cdi,
  cni,
  dns,
  mountTemplates,
  templates,
];

export const corpusDirectory = (name: string): string => new URL(`./corpus/${name}/`, import.meta.url).pathname;

/** Where inputs go that were a finding, until somebody puts them into the corpus under a name that says what they are. */
export const foundDirectory = new URL('../../build/fuzz/', import.meta.url).pathname;

export interface Sample {
  readonly file: string;
  readonly bytes: Buffer;
}

/** A target's corpus in the order of the files' names; `.gz` files are packed. */
export function corpusOf(name: string): readonly Sample[] {
  return readdirSync(corpusDirectory(name))
    .sort()
    .map((file) => {
      const bytes = readFileSync(`${corpusDirectory(name)}${file}`);
      return { file, bytes: file.endsWith('.gz') ? gunzipSync(bytes) : bytes };
    });
}
