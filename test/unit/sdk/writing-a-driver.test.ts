import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { filesOfPage } from '../../testbed/page.ts';

// The page's files as they stand, but for what they
// import: this repository's sources, and our test runner.
const sdk = join(import.meta.dirname, '../../../src/sdk');
const IMPORTS = [
  ["'mymachine/driver'", `'${sdk}/index.ts'`],
  ["'mymachine/driver/testing'", `'${sdk}/testing/index.ts'`],
  ["{ after, test } from 'node:test'", "{ afterAll as after, test } from 'vitest'"],
  ["'./rack.js'", "'./rack.ts'"],
] as const;

const files = await filesOfPage();
const folder = await mkdtemp(join(tmpdir(), 'mm-page-'));
afterAll(() => rm(folder, { recursive: true }));

for (const name of ['rack.ts', 'rack.test.ts']) {
  const text = IMPORTS.reduce((code, [from, to]) => code.replace(from, to), files.get(name) ?? '');
  await writeFile(join(folder, name), text);
}

test('the page has the files that it speaks of', () => {
  expect([...files.keys()]).toEqual(['rack.ts', 'rack.test.ts', 'package.json', 'tsconfig.json']);
});

describe("the page's driver", async () => {
  await import(join(folder, 'rack.test.ts'));
});
