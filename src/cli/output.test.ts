import { expect, test } from 'vitest';
import { toTable } from './output.ts';

test('a table has its numbers to the right, and nothing for null', () => {
  expect(
    toTable(
      ['id', 'type', 'phase'],
      [
        [7, 'inventory.sync', null],
        [12, 'policy.sync', 'reading']
      ]
    )
  ).toBe(
    [
      'id  type            phase',
      '--  --------------  -------',
      ' 7  inventory.sync',
      '12  policy.sync     reading'
    ].join('\n')
  );
});

test('control characters and turned writing of what was reported do not reach the terminal', () => {
  const table = toTable(['message'], [['\u001b[2Jgone \u202eenog']]);
  expect(table).not.toContain('\u001b');
  expect(table).not.toContain('\u202e');
});
