import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../../../dist/man');
const pages = readdirSync(folder).sort();
const pkg = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'));

/** What a formatter or checker complains about; undefined where there is none of that name. */
function complaints(program: string, args: readonly string[]): string | undefined {
  const paths = pages.map((page) => join(folder, page));
  const { error, stderr, stdout } = spawnSync(program, [...args, ...paths], { encoding: 'utf8' });
  if (error === undefined) return program === 'groff' ? stderr : stdout;
  process.stdout.write(`left out: the manual pages in ${program}, which is not on this computer\n`);
  return undefined;
}

test('every command has a manual page with all its sections, and npm is told of each', () => {
  expect(pkg.man.map((path: string) => path.replace('dist/man/', '')).sort()).toEqual(pages);
  expect(pages).toEqual(expect.arrayContaining(['mymachine.1', 'mymachine-create.1', 'mymachine-ssh.1']));
  for (const page of pages) {
    const text = readFileSync(join(folder, page), 'utf8');
    const sections = [...text.matchAll(/^\.SH (.+)$/gm)].map(([, title]) => title);
    const own = page === 'mymachine.1' ? ['COMMANDS'] : [];
    expect(sections, page).toEqual(
      expect.arrayContaining([
        ...['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', ...own],
        ...['EXAMPLES', 'EXIT STATUS', 'ENVIRONMENT', 'FILES', 'SEE ALSO'],
      ]),
    );
  }
});

test('the manual pages are roff without a fault', () => {
  const found = [
    complaints('mandoc', ['-T', 'lint', '-W', 'style']),
    complaints('groff', ['-ww', '-man', '-Tutf8']),
  ];
  expect(found.filter((text) => text !== undefined && text !== '')).toEqual([]);
});

test('a manual page shows options so that they can be copied', () => {
  const page = join(folder, 'mymachine-create.1');
  const { error, stdout } = spawnSync('man', ['-E', 'UTF-8', '-l', page], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], MANWIDTH: '200', LC_ALL: 'C.UTF-8' },
  });
  if (error !== undefined) {
    process.stdout.write('left out: a manual page in man, which is not on this computer\n');
    return;
  }
  expect(stdout).toContain('--driver DRIVER, -d DRIVER');
  expect(stdout).toContain('mymachine create --driver none --url tcp://192.0.2.10:2376 host2');
  expect(stdout).toContain('With --driver generic');
  expect(stdout).toMatch(/--generic-ssh-key FILE\n.*Environment: GENERIC_SSH_KEY/);
});
