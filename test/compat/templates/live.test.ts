import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { corpusPath, readCorpus } from './corpus.ts';

/**
 * Another version says some things in other words;
 * scripts/test.mjs tells when this one is not here.
 */
const recorded = 'go1.19';
const version = spawnSync('go', ['version'], { encoding: 'utf8' }).stdout ?? '';

describe.runIf(version.includes(recorded))('Go itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mymachine-templates-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('still makes of each template what was recorded', () => {
    const copy = join(folder, 'corpus.json');
    copyFileSync(corpusPath, copy);
    const program = new URL('record.go', import.meta.url).pathname;
    const run = spawnSync('go', ['run', program, copy], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(readCorpus(copy)).toEqual(readCorpus());
  });
});
