import { invalidArgument } from '#base/errors';

/** One line of comma-separated fields; one in double quotes may hold commas, and doubled quotes. @throws invalid_argument */
export function splitFields(text: string): readonly string[] {
  if (text === '') throw invalidArgument('EOF');
  if (text.includes('\n')) throw invalidArgument('more than one line');
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(rest);
    const plain = /^[^",]*(?=,|$)/.exec(rest);
    const found = quoted ?? plain;
    if (found === null)
      throw invalidArgument(`parse error: quotes do not match in ${JSON.stringify(text.slice(0, 200))}`);
    fields.push(quoted === null ? found[0] : (quoted[1] as string).replaceAll('""', '"'));
    if (found[0].length === rest.length) return fields;
    rest = rest.slice(found[0].length + 1);
  }
}
