// Writes the pages that are made of the sources:
// docs/errors.md from the tables in src/**/errors.ts; docs/commands.md, docs/environment.md and the
// list of manual pages in package.json from the definitions of commands and drivers.
// With --check it compares instead, and checks that every error id and every environment variable
// in src is in a table, and that every command has an example.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { loadReference } from './reference.mjs';

const root = new URL('..', import.meta.url).pathname;
const sources = (await readdir(join(root, 'src'), { recursive: true })).filter((file) =>
  file.endsWith('.ts'),
);

/**
 * The errors in a file's tables, by id.
 * @typedef {import('../src/base/machine-error.ts').ErrorMeaning} ErrorMeaning
 * @param {string} file
 * @returns {Promise<[string, ErrorMeaning][]>}
 */
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
  /** @type {unknown[]} */
  const exported = Object.values(await import(outfile));
  await rm(outfile);
  return exported
    .flatMap((value) => (typeof value === 'object' && value !== null ? Object.entries(value) : []))
    .filter(([id]) => id.startsWith('MM_'));
}

await mkdir(join(root, 'docs'), { recursive: true });
const reference = await loadReference();
const errors = (await Promise.all(sources.filter((file) => file.endsWith('errors.ts')).map(table))).flat();
/** @type {[string, ErrorMeaning][]} */
const former = errors.flatMap(([id, { formerly = [], exitCode = 1 }]) => {
  const meaning = { summary: `Since renamed to \`${id}\`.`, exitCode };
  return formerly.map((old) => /** @type {[string, ErrorMeaning]} */ ([old, meaning]));
});
const rows = [...errors, ...former]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([id, { summary, exitCode = 1 }]) => `| \`${id}\` | ${summary} | ${exitCode} |`);
const text = `# Errors

Every error ends with a line \`Error id: …\`. The ids are stable, so scripts can rely on them. The wording
of our own messages may change.

| id | meaning | exit code |
|---|---|---|
${rows.join('\n')}

Exit codes: ${reference.exitCodes.map(([code, meaning]) => `${code} ${meaning}`).join('; ')}.
${reference.sshExitCode}
`;

/** What each file holds when it is up to date. @type {Record<string, string>} */
const pages = { 'docs/errors.md': text };
for (const [name, content] of Object.entries(reference.pages)) pages[`docs/${name}`] = content;
// npm links only what package.json lists by name, and takes no folder.
const pkg = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
pkg.man = [...reference.manPages.keys()].map((name) => `dist/man/${name}`);
pages['package.json'] = `${JSON.stringify(pkg, null, 2)}\n`;

if (!process.argv.includes('--check')) {
  for (const [name, content] of Object.entries(pages)) await writeFile(join(root, name), content);
} else {
  const problems = [];
  for (const [name, content] of Object.entries(pages)) {
    if ((await readFile(join(root, name), 'utf8').catch(() => '')) !== content)
      problems.push(`${name} is not what the definitions in src say: run "node scripts/docs.mjs"`);
  }
  for (const name of reference.withoutExample)
    problems.push(`the command ${name} has no example: give it one in src/cli/commands`);
  const variables = new Set(reference.documentedVariables);
  const known = new Set([...errors, ...former].map(([id]) => id));
  if (known.size !== errors.length + former.length) problems.push('an error id stands in two tables');
  for (const file of sources) {
    const source = await readFile(join(root, 'src', file), 'utf8');
    const used = source.match(/\bMM_[A-Z0-9_]*[A-Z0-9]\b/g) ?? [];
    for (const id of new Set(used))
      if (!known.has(id)) problems.push(`${relative(root, join(root, 'src', file))}: ${id} is in no table`);
    for (const [, name = ''] of source.matchAll(/\benv\[['"]([A-Za-z_]+)['"]\]/g))
      if (!variables.has(name))
        problems.push(`src/${file} reads ${name}: describe it in src/cli/reference/reference.ts`);
  }
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
