import { expect, test } from 'bun:test';
import { ctrJson, goJson } from './go-json.ts';

test('text is escaped as Go does', () => {
  expect(goJson({ a: '<b>&\u2028\u2029\b\f\n\r\t\\b\\\b"é👍\u0001\ud800' })).toBe(
    '{"a":"\\u003cb\\u003e\\u0026\\u2028\\u2029\\u0008\\u000c\\n\\r\\t\\\\b\\\\\\u0008\\"é👍\\u0001\ufffd"}',
  );
  expect(goJson({ '<k>': 1 })).toBe('{"\\u003ck\\u003e":1}');
});

test("ctr's form has four spaces", () => {
  expect(ctrJson({ b: [1, { a: null }], a: {}, c: [], u: undefined })).toBe(`{
    "b": [
        1,
        {
            "a": null
        }
    ],
    "a": {},
    "c": []
}`);
});
