import { expect, test } from 'vitest';
import { kindOf } from '../answer.ts';
import { openNotebook } from '../findings.ts';
import { judgeAnswer } from '../judge.ts';
import { FAMILIES, type Sample } from '../signature.ts';
import { SIGNATURES } from './all.ts';

const ORIGIN = 'http://app.test';

/** What plain judging of a sample's answers finds: text and headers, no browser, no probes. */
function judge(id: string, sample: Sample): string[] {
  const notebook = openNotebook();
  const all = [sample, ...(sample.also ?? [])];
  for (const [
    index,
    { path = `/sample/${id}/${index}`, status = 200, type = 'text/html', headers = {}, body = '' }
  ] of all.entries())
    judgeAnswer(
      { origin: ORIGIN, notebook, needles: [], judged: new Set() },
      { url: ORIGIN + path, status, headers: { 'content-type': type, ...headers }, text: body },
      '/'
    );
  return notebook.findings.map(({ signature }) => signature);
}

test('every family has a signature, and every signature a name of its own and words that say what to do', () => {
  expect(FAMILIES.filter((family) => !SIGNATURES.some((signature) => signature.family === family))).toEqual([]);
  expect(new Set(SIGNATURES.map(({ id }) => id)).size).toBe(SIGNATURES.length);
  for (const { id, means, fix, looks, controls } of SIGNATURES) {
    expect(id).toMatch(/^[a-z][a-z0-9-]+$/);
    expect(means, id).toMatch(/^.{20,}\.$/);
    expect(fix, id).toMatch(/^.{10,}\.$/);
    expect(looks.length, id).toBeGreaterThan(0);
    expect(controls.passed.length, id).toBeGreaterThan(0);
    expect(controls.caught.source, id).not.toBe('');
  }
});

test('no pattern keeps a place between two texts', () => {
  for (const { id, looks } of SIGNATURES)
    for (const look of looks)
      for (const value of Object.values(look)) if (value instanceof RegExp) expect(value.flags, id).not.toMatch(/[gy]/);
});

test('a server that answers everything with a page, and repeats the address in it, is not taken for anything', () => {
  for (const { id, looks } of SIGNATURES)
    for (const look of looks) {
      if (look.in !== 'probe' && look.in !== 'folder') continue;
      for (const path of look.in === 'probe' ? look.paths : ['/assets/']) {
        const page = `<!doctype html><html><head><title>${path}</title></head><body><p>${path} is not here</p><script>const path = "${path}"</script></body></html>`;
        const isTaken = look.pattern.test(page) && !(look.in === 'probe' && look.type && !look.type.test('text/html'));
        expect(isTaken, `${id} at ${path}`).toBe(false);
      }
    }
});

test('a path of the machine is known by its file: address wherever on the machine it lies', () => {
  for (const where of ['/check/out/shop', '/data/shop', '/srv/shop'])
    expect(
      judge('absolute-path', { status: 500, type: 'text/plain', body: `"at file://${where}/index.mjs"` })
    ).toContain('absolute-path');
});

for (const { id, looks, controls } of SIGNATURES) {
  const { sample } = controls.caught;
  const texts = looks.filter((look) => look.in === 'text' || look.in === 'header');
  const isJudgedAsText = texts.some((look) =>
    [sample, ...(sample.also ?? [])].some((one) =>
      look.in === 'header'
        ? one.headers?.[look.name] !== undefined
        : look.of.includes(kindOf({ headers: { 'content-type': one.type ?? 'text/html' } }) ?? 'dom') &&
          look.pattern.test(one.body ?? '')
    )
  );
  if (isJudgedAsText) test(`${id} is in what it must catch`, () => expect(judge(id, sample)).toContain(id));
  test(`${id} and all others are not in what looks like it`, () => {
    for (const passed of controls.passed) expect(judge(id, passed)).toEqual([]);
  });
}
