import { expect, test } from 'bun:test';
import { Metrics } from './metrics.ts';
import { Operations } from './operations.ts';

test("counters, gauges and histograms are written in Prometheus's form, sorted by name", async () => {
  const metrics = new Metrics();
  const calls = metrics.counter('calls_total', 'Calls.\nAll \\ of them.', ['method', 'code']);
  calls.add(1, 'Get', 'OK');
  calls.add(2, 'Get', 'OK');
  calls.add(1, 'a"b\n\\c', 'OK');
  metrics.gauge('a_gauge', 'A figure.').set(0.5);
  const seconds = metrics.histogram('seconds', 'Durations.', ['m'], [0.1, 1]);
  seconds.observe(0.05, 'x');
  seconds.observe(0.5, 'x');
  seconds.observe(5, 'x');
  expect(await metrics.text()).toBe(
    [
      '# HELP a_gauge A figure.',
      '# TYPE a_gauge gauge',
      'a_gauge 0.5',
      '# HELP calls_total Calls.\\nAll \\\\ of them.',
      '# TYPE calls_total counter',
      'calls_total{method="Get",code="OK"} 3',
      'calls_total{method="a\\"b\\n\\\\c",code="OK"} 1',
      '# HELP seconds Durations.',
      '# TYPE seconds histogram',
      'seconds_bucket{m="x",le="0.1"} 1',
      'seconds_bucket{m="x",le="1"} 2',
      'seconds_bucket{m="x",le="+Inf"} 3',
      'seconds_sum{m="x"} 5.55',
      'seconds_count{m="x"} 3',
      '',
    ].join('\n'),
  );
});

test('a metric that has no figure yet is left out; declared again it is the same one', async () => {
  const metrics = new Metrics();
  metrics.counter('unused', 'x', ['l']);
  metrics.counter('used', 'x').add(1);
  metrics.counter('used', 'x').add(1);
  expect(await metrics.text()).toBe('# HELP used x\n# TYPE used counter\nused 2\n');
});

test('a source is asked each time; one that fails leaves out itself alone', async () => {
  const metrics = new Metrics();
  let value = 1;
  const source = metrics.source('s', 'gauge', 'h', () => [{ labels: { a: 'b' }, value: value++ }]);
  metrics.source('t', 'gauge', 'h', () => Promise.reject(new Error('no')));
  const failed: string[] = [];
  expect(await metrics.text((name) => failed.push(name))).toContain('s{a="b"} 1\n');
  expect(await metrics.text()).toContain('s{a="b"} 2\n');
  expect(failed).toEqual(['t']);
  source[Symbol.dispose]();
  expect(await metrics.text()).toBe('');
});

test('an operation is listed until it is disposed, the oldest first', () => {
  const operations = new Operations();
  const first = operations.begin('pull', 'a');
  {
    using _ = operations.begin('call', 'b');
    expect(operations.list().map(({ kind, subject }) => [kind, subject])).toEqual([
      ['pull', 'a'],
      ['call', 'b'],
    ]);
  }
  first[Symbol.dispose]();
  expect(operations.list()).toEqual([]);
});
