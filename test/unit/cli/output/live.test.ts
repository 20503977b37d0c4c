import { expect, test } from 'vitest';
import type { Output } from '../../../../src/cli/io.ts';
import { LiveText } from '../../../../src/cli/output/live.ts';

/** A terminal of the test's own, whose size can change. */
function terminal(columns: number, rows: number) {
  let said = '';
  const size = { columns, rows };
  const output: Output = {
    write: (text) => {
      said += text;
    },
    isTTY: true,
    get columns() {
      return size.columns;
    },
    stream: size as unknown as NodeJS.WriteStream,
  };
  const taken = () => {
    const text = said;
    said = '';
    return text;
  };
  return { size, live: new LiveText(output), taken };
}

test('text is drawn again over itself, and erased', () => {
  const { live, taken } = terminal(80, 24);
  live.draw('a\nb\n');
  expect(taken()).toBe('a\nb\n');
  live.draw('c\n');
  expect(taken()).toBe('\r\u001b[2A\u001b[Jc\n');
  live.erase();
  expect(taken()).toBe('\r\u001b[1A\u001b[J');
  live.erase();
  expect(taken()).toBe('');
});

test('text that a narrower terminal has wrapped is drawn over as a whole', () => {
  const { live, size, taken } = terminal(80, 24);
  live.draw(`${'x'.repeat(70)}\nshort\n`);
  size.columns = 30;
  taken();
  live.draw('new\n');
  expect(taken()).toBe('\r\u001b[4A\u001b[Jnew\n');
});

test('no more is drawn than there is room for, and the cursor goes no higher than the first line', () => {
  const { live, size, taken } = terminal(80, 4);
  live.draw('1\n2\n3\n4\n5\n');
  expect(taken()).toBe('1\n2\n3\n');
  size.rows = 3;
  live.erase();
  expect(taken()).toBe('\r\u001b[2A\u001b[J');
});

test('what is reported stands above the text', () => {
  const { live, taken } = terminal(80, 24);
  const told: string[] = [];
  const nothing = () => undefined;
  const report = live.above(
    {
      info: nothing,
      warn: (line) => told.push(line + taken()),
      debug: nothing,
      step: (_, work) => work(),
      progress: nothing,
    },
    () => told.push('changed'),
  );
  live.draw('a\n');
  taken();
  report.warn('careful');
  expect(told).toEqual(['careful\r\u001b[1A\u001b[J', 'changed']);
});
