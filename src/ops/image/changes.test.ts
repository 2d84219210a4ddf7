import { expect, test } from 'bun:test';
import { applyChanges } from './changes.ts';

const before = { Env: ['PATH=/bin', 'A=0'], WorkingDir: '/srv', Labels: { x: 'y' }, Cmd: ['old'] };

test('instructions change what they name and nothing else', () => {
  expect(
    applyChanges(before, [
      'CMD ["sh", "-c", "x y"]',
      'entrypoint /run.sh --now',
      'ENV A=1 B="two words" C=a\\ b',
      'ENV D all the rest',
      'EXPOSE 80 53/udp',
      "LABEL a='b c' d=",
      'USER 1000:100',
      'VOLUME /data /log',
      'VOLUME ["/with space"]',
      'WORKDIR sub',
      'STOPSIGNAL SIGQUIT',
      'SHELL ["/bin/bash", "-c"]',
      'ONBUILD RUN make',
      'HEALTHCHECK --interval=5s --retries=3 CMD curl -f localhost',
    ]),
  ).toEqual({
    Env: ['PATH=/bin', 'A=1', 'B=two words', 'C=a b', 'D=all the rest'],
    WorkingDir: '/srv/sub',
    Labels: { x: 'y', a: 'b c', d: '' },
    Cmd: ['sh', '-c', 'x y'],
    Entrypoint: ['/bin/sh', '-c', '/run.sh --now'],
    ExposedPorts: { '80/tcp': {}, '53/udp': {} },
    User: '1000:100',
    Volumes: { '/data': {}, '/log': {}, '/with space': {} },
    StopSignal: 'SIGQUIT',
    Shell: ['/bin/bash', '-c'],
    OnBuild: ['RUN make'],
    Healthcheck: { Interval: 5e9, Retries: 3, Test: ['CMD-SHELL', 'curl -f localhost'] },
  });
});

test('a health check may be taken away', () => {
  expect(applyChanges({}, ['HEALTHCHECK NONE'])).toEqual({ Healthcheck: { Test: ['NONE'] } });
});

test.each([
  ['RUN make', 'run is not a valid change command'],
  ['FROM x', 'from is not a valid change command'],
  ['', 'is not a valid change command'],
  ['CMD', 'CMD requires at least one argument'],
  ['ENV A', 'ENV must have two arguments'],
  ['ENV A=1 B', "can't find = in"],
  ['ENV =1', 'names can not be blank'],
  ['LABEL a="b', 'matching double-quote'],
  ['EXPOSE http', 'invalid containerPort: http'],
  ['SHELL sh', 'JSON form'],
  ['HEALTHCHECK PING x', 'Unknown type "PING"'],
  ['HEALTHCHECK --interval=x CMD y', 'invalid duration'],
  ['HEALTHCHECK --often=1s CMD y', 'Unknown flag: often'],
])('%p is refused', (change, words) => {
  expect(() => applyChanges(before, [change])).toThrow(words);
});
