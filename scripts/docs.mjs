// Writes docs/errors.md from the tables of errors in src/**/errors.ts; with --check only compares, and also sees that no id stands in the sources without a table.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
const target = join(root, 'docs', 'errors.md');
const sources = (await readdir(join(root, 'src'), { recursive: true })).filter((file) =>
  file.endsWith('.ts'),
);

async function table(file) {
  const outfile = join(
    root,
    'node_modules',
    '.cache',
    'mymachine',
    'docs',
    `${file.replaceAll('/', '-')}.mjs`,
  );
  await build({
    entryPoints: [join(root, 'src', file)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
  const exported = Object.values(await import(outfile)).filter(
    (value) => typeof value === 'object' && value !== null,
  );
  await rm(outfile);
  return exported.flatMap((object) => Object.entries(object)).filter(([id]) => id.startsWith('MM_'));
}

await mkdir(join(root, 'docs'), { recursive: true });
const errors = (await Promise.all(sources.filter((file) => file.endsWith('errors.ts')).map(table))).flat();
errors.sort(([a], [b]) => (a < b ? -1 : 1));
const rows = errors.map(([id, { summary, exitCode = 1 }]) => `| \`${id}\` | ${summary} | ${exitCode} |`);
const text = `# Errors

Every failure ends with a line \`Error id: …\`. The ids are stable; what the first line says may be refined.

| id | meaning | exit code |
|---|---|---|
${rows.join('\n')}

Exit codes: 0 success; 1 failed; 2 the command line is wrong; 3 a driver's check before the create failed; 4 some of several machines
failed; 130 interrupted. \`ssh\` ends with the remote command's own status.
`;

if (!process.argv.includes('--check')) await writeFile(target, text);
else {
  const problems = [];
  if ((await readFile(target, 'utf8').catch(() => '')) !== text)
    problems.push('docs/errors.md is not what the tables say: run "node scripts/docs.mjs"');
  const known = new Set(errors.map(([id]) => id));
  if (known.size !== errors.length) problems.push('an error id stands in two tables');
  for (const file of sources) {
    const used = (await readFile(join(root, 'src', file), 'utf8')).match(/\bMM_[A-Z0-9_]*[A-Z0-9]\b/g) ?? [];
    for (const id of new Set(used))
      if (!known.has(id)) problems.push(`${relative(root, join(root, 'src', file))}: ${id} is in no table`);
  }
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
