import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandEntries } from '../../../../src/cli/commands/index.ts';

const page = await readFile(join(import.meta.dirname, '../../../../docs/json.md'), 'utf8');
const rows = page.split('\n').flatMap((line) => /^\| (`.*?`) \|/.exec(line)?.[1] ?? []);
const described = rows.flatMap((cell) => cell.replaceAll('`', '').split(', '));

test('docs/json.md describes the commands that print JSON, and no others', async () => {
  const commands = await Promise.all(
    commandEntries.map(async ({ name, load }) => ((await load()).command.json === true ? [name] : [])),
  );
  expect(described.sort()).toEqual(commands.flat().sort());
});
