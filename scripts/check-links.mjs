// Checks that the Markdown pages lead somewhere: each link to a file or a heading of ours, and each
// path in code spans, such as `src/cli/main.ts`. A word in capitals or a `*` in a path stands for
// any name: `src/drivers/NAME/driver.ts`.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const TOPS = ['src', 'test', 'scripts', 'docs', 'drivers.d'];

/** Every file and folder of ours, as paths from the root. */
const paths = new Set(readdirSync(root));
for (const top of TOPS)
  for (const name of readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }))
    paths.add(join(top, name));
const pages = [...paths].filter((path) => path.endsWith('.md'));

/** @type {string[]} */
const problems = [];

/** @param {string} page */
const read = (page) => readFileSync(join(root, page), 'utf8');

/** The anchors of a page's headings, as GitHub makes them. @param {string} page */
function anchors(page) {
  const headings = [...read(page).matchAll(/^#+ (.+)$/gm)];
  return headings.map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** @param {string} path with stand-ins for names */
function exists(path) {
  const plain = path.replace(/\/$/, '');
  if (!/\*|[A-Z]{2,}/.test(plain)) return paths.has(plain);
  const pattern = plain
    .split(/(\*\*|\*|[A-Z]{2,})/)
    .map((part, index) => (index % 2 === 0 ? part.replaceAll('.', '\\.') : part === '**' ? '.*' : '[^/]+'));
  const stood = new RegExp(`^${pattern.join('')}$`);
  return paths.has(plain) || [...paths].some((each) => stood.test(each));
}

for (const page of pages) {
  const text = read(page);
  for (const [, target = ''] of text.matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)) {
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page : join(dirname(page), file).replace(/\/$/, '');
    if (!paths.has(path)) problems.push(`${page}: the link ${target} leads nowhere`);
    else if (anchor !== undefined && statSync(join(root, path)).isFile() && !anchors(path).includes(anchor))
      problems.push(`${page}: ${path} has no heading for ${target}`);
  }
  for (const [, span = ''] of text.matchAll(/`([^`\n]+)`/g))
    for (const word of span.split(/[\s,:()]+/))
      if (TOPS.includes(word.split('/', 1)[0] ?? '') && word.includes('/') && !exists(word))
        problems.push(`${page}: there is no ${word}`);
}
for (const problem of problems) console.log(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
