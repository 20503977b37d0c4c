import { expect, test } from 'vitest';
import { literal, prose } from '../../../../src/cli/reference/man-page.ts';
import { argumentsOf } from '../../../../src/cli/reference/reference.ts';

test('a usage line tells what the arguments are', () => {
  expect(argumentsOf({ argument: '[name...]' })).toEqual({ each: ['machine'], repeats: true });
  expect(argumentsOf({ argument: '[[user@]machine:]path [[user@]machine:]path' })).toEqual({
    each: ['copy-path', 'copy-path'],
    repeats: false,
  });
  expect(argumentsOf({ argument: '[[user@]machine:][path] [mountpoint]' })).toEqual({
    each: ['copy-path', 'folder'],
    repeats: false,
  });
  expect(argumentsOf({ argument: '' })).toEqual({ each: [], repeats: false });
  expect(argumentsOf({ argument: '[command]', takes: ['command'] }).each).toEqual(['command']);
});

test('text means nothing to roff, whatever it is', () => {
  expect(literal(".TH 'x' \\n")).toBe('\\&.TH \\(aqx\\(aq \\en');
  expect(literal('`--a` ~ ^ … é "q"')).toBe('\\(ga\\-\\-a\\(ga \\(ti \\(ha \\[u2026] \\[u00E9] \\(dqq\\(dq');
  expect(literal("'starts")).toBe('\\(aqstarts');
});

test('prose has no long line, and none that begins a request', () => {
  const lines = prose(`${'word '.repeat(14)}end .hidden ${'more '.repeat(40)}`.trim()).split('\n');
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) {
    expect(line.length).toBeLessThan(80);
    expect(line).not.toMatch(/^[.']/);
  }
});
