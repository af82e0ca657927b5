/**
 * The wall's colours by numbers: contrast on the ground, and whether the four meanings stay apart for people who do not
 * see red, or green. Simulation by Viénot, Brettel and Mollon (1999) in linear light; lightness is that of OKLab.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('./wall.css', import.meta.url), 'utf8');
type Theme = 'light' | 'dark';
type Rgb = readonly [number, number, number];

/** A token's value in a theme, as linear light. */
function colour(name: string, theme: Theme): Rgb {
  const pair = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\\)`).exec(css);
  if (!pair) throw new Error(`wall.css has no --${name}.`);
  const hex = pair[theme === 'light' ? 1 : 2]!.slice(1);
  const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join('') : hex;
  return [0, 2, 4].map((at) => {
    const value = parseInt(full.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
}

const SIMULATIONS: Record<string, (rgb: Rgb) => Rgb> = {
  normal: (rgb) => rgb,
  protanopia: ([r, g, b]) => [0.11238 * r + 0.88762 * g, 0.11238 * r + 0.88762 * g, 0.00401 * (r - g) + b],
  deuteranopia: ([r, g, b]) => [0.29275 * r + 0.70725 * g, 0.29275 * r + 0.70725 * g, -0.02234 * (r - g) + b]
};

const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
function contrast(a: Rgb, b: Rgb): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((one, other) => one - other) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}
function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(Math.max(0, 0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b));
  const m = Math.cbrt(Math.max(0, 0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b));
  const s = Math.cbrt(Math.max(0, 0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b));
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s
  ];
}
const distance = (a: Rgb, b: Rgb): number => Math.hypot(...oklab(a).map((value, at) => value - oklab(b)[at]!));

const MEANINGS = ['failed', 'blocked', 'partial', 'unknown'] as const;
const pairs = MEANINGS.flatMap((a, at) => MEANINGS.slice(at + 1).map((b) => [a, b] as const));
const themes = ['dark', 'light'] as const;

describe.each(themes)('the colours of the wall, %s', (theme) => {
  const of = (name: string): Rgb => colour(name, theme);

  it.each(['text-1', 'text-2', 'text-3', 'withdrawn', ...MEANINGS])('%s can be read on the ground', (name) => {
    expect(contrast(of(name), of('ground'))).toBeGreaterThanOrEqual(4.5);
  });

  it('what is withdrawn can still be read on its hatch, notes on their surface, labels of what is not known on theirs', () => {
    expect(contrast(of('withdrawn'), of('hatch-line'))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(of('text-2'), of('surface'))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(of('unknown'), of('unknown-dim'))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(MEANINGS)('text on filled %s can be read, also by those who do not see red or green', (name) => {
    for (const simulate of Object.values(SIMULATIONS)) {
      expect(contrast(simulate(of('on-meaning')), simulate(of(name)))).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('bars and outlines stand out', () => {
    for (const name of ['bar', 'line-strong']) expect(contrast(of(name), of('ground'))).toBeGreaterThanOrEqual(3);
  });

  it('nothing abnormal looks like the grey of calm', () => {
    for (const name of MEANINGS) expect(distance(of(name), of('text-2'))).toBeGreaterThan(0.09);
  });
});

describe.each(Object.keys(SIMULATIONS))('in the dark, the reference, with %s vision', (vision) => {
  const seen = (name: string): Rgb => SIMULATIONS[vision]!(colour(name, 'dark'));

  it.each(pairs)('%s and %s are told apart by colour', (a, b) => {
    expect(distance(seen(a), seen(b))).toBeGreaterThan(0.07);
  });

  it('each meaning can be read on the ground', () => {
    for (const name of MEANINGS) expect(contrast(seen(name), seen('ground'))).toBeGreaterThanOrEqual(4.5);
  });
});
