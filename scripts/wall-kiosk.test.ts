/** The kiosk unit and the guide say the same: a flag that nobody explains is not shipped, and none is only explained. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const unit = read('deploy/watchfloor-wall.service');
const guide = read('docs/WALL.md');

const flagsOf = (text: string): Set<string> => new Set(text.match(/--[a-z][a-z-]+/g) ?? []);
const command = /ExecStart=([\s\S]*?)\n(?=[A-Z])/.exec(unit)?.[1] ?? '';
const table = guide.slice(guide.indexOf('<!-- flags -->'), guide.indexOf('<!-- /flags -->'));

describe('the kiosk', () => {
  it('starts the browser with exactly the flags that the guide explains', () => {
    expect(flagsOf(command).size).toBeGreaterThan(10);
    expect(flagsOf(table)).toEqual(flagsOf(command));
  });

  it('keeps its profile, or it would have to be paired after each start', () => {
    expect(command).toContain('--user-data-dir=/var/lib/watchfloor-wall/');
    expect(command).not.toMatch(/--incognito|--guest/);
    expect(unit).toContain('StateDirectory=watchfloor-wall');
  });

  it('is never given up, and no debugging port is open', () => {
    expect(unit).toMatch(/^Restart=always$/m);
    expect(unit).toMatch(/^StartLimitIntervalSec=0$/m);
    expect(command).not.toContain('remote-debugging');
  });
});
