import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandGroups } from '../../../../src/cli/commands/index.ts';

/** The four verbs that differ in one word. */
const POWER = ['start', 'stop', 'restart', 'kill'];

test.each(commandGroups)(
  'the folder $folder holds a file for each verb of its group',
  ({ folder, entries }) => {
    const files = readdirSync(join(import.meta.dirname, '../../../../src/cli/commands', folder));
    const verbs = entries.map(({ name }) => (POWER.includes(name) ? 'power' : name));
    expect(files.sort()).toEqual([...new Set(verbs)].map((verb) => `${verb}.ts`).sort());
  },
);
