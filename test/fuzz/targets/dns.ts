import {
  addressInName,
  answerTo,
  DnsCode,
  type DnsRecord,
  fitDatagram,
  formatAnswer,
  formatMalformed,
  parseQuery,
  renumbered,
} from '#lib/dns/message';
import { accepted, type FuzzTarget, holds, same } from '../target.ts';

const header = '\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00';

/** Questions for names, as containers and whoever else is in their networks send them. Each that is read has an answer that fits. */
export const dns: FuzzTarget = {
  name: 'dns',
  words: [
    header,
    `${header}\x03web\x00\x00\x01\x00\x01`,
    '\x03web\x03net\x00',
    '\x00\x01\x00\x01',
    '\x00\x1c\x00\x01',
    '\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00',
    '\xc0\x0c',
    '\x07in-addr\x04arpa\x00',
    '\x3f',
    '\x40',
  ],
  run(bytes) {
    const query = accepted(() => parseQuery(bytes), 'invalid_argument');
    if (query === undefined) {
      const answer = formatMalformed(bytes);
      if (answer !== undefined) holds('a short answer', answer.length === 12 && (answer[2] ?? 0) >= 0x80);
      return;
    }
    holds('a name as DNS has them', query.name.length <= 4 * 255 && query.name === query.name.toLowerCase());
    holds('a sensible size', query.maxDatagram >= 512 && query.maxDatagram <= 1232);
    const records = Array.from({ length: 100 }, (_, at): DnsRecord => ({ type: 'A', address: `10.0.0.${at}`, ttl: 1 }));
    const whole = formatAnswer(query, DnsCode.ok, records);
    same('an answer to it', answerTo(whole, query, query.id)?.code, DnsCode.ok);
    same('under another number', answerTo(renumbered(whole, 7), query, 7)?.code, DnsCode.ok);
    const fitted = fitDatagram(whole, query);
    holds('it fits', fitted.length <= query.maxDatagram);
    same('that it is cut off is said', answerTo(fitted, query, query.id)?.truncated, true);
    const address = addressInName(query.name);
    if (address !== undefined) holds('an address', /^[0-9a-f.:]+$/.test(address));
  },
};
