import { expect, test } from 'vitest';
import { readForm } from './forms.ts';

const post = (type: string, body: BodyInit): Request =>
  new Request('http://127.0.0.1/', { method: 'POST', headers: { 'content-type': type }, body });

test('the fields of a form, and of those that come twice the last', async () => {
  expect(await readForm(post('application/x-www-form-urlencoded', 'a=1&b=%20&a=2'))).toEqual({ a: '2', b: ' ' });
  const parts = '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n';
  expect(await readForm(post('multipart/form-data; boundary=x', parts))).toEqual({ a: '1' });
});

test.each([
  ['multipart/form-data', ''],
  ['multipart/form-data; boundary=x', 'no parts'],
  ['multipart/form-data; boundary=x', '--x\r\n\r\n'],
  ['text/plain', 'a=1'],
  ['', 'a=1']
])('what is no form of its type (%j, %j) is an empty one', async (type, body) => {
  expect(await readForm(post(type, body))).toEqual({});
});

test('a key of prototypes is a field like any other', async () => {
  const form = await readForm(post('application/x-www-form-urlencoded', '__proto__=1&constructor=2'));
  expect(Object.keys(form)).toEqual(['__proto__', 'constructor']);
  expect(({} as Record<string, unknown>)['1']).toBeUndefined();
});

test('a request that failed for another reason says so', async () => {
  const body = new ReadableStream({ pull: (stream) => stream.error(new RangeError('too large')) });
  const request = new Request('http://127.0.0.1/', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
    duplex: 'half'
  } as RequestInit);
  await expect(readForm(request)).rejects.toThrow('too large');
});
