import { invalidArgument, messageOf } from '#base/errors';

/** Reads one YAML document. @throws invalid_argument */
export function parseYaml(text: string): unknown {
  try {
    return Bun.YAML.parse(text);
  } catch (thrown) {
    throw invalidArgument(`YAML: ${messageOf(thrown)}`, thrown);
  }
}
