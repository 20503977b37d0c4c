// The house rules that no other tool checks:
// - at most 16 source files in a folder of src and test
// - comments end before column 101
// - clock, timers, argv and environment are read where the program meets the outside world alone
// - tests outside of test/bench measure no time, since a busy computer would fail them
// - Node's key generation gives encoded keys: Node 20 may hang when it exports a key object
// - src/cli takes no machine's lock: what needs one is an operation of src/machine
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

const root = new URL('..', import.meta.url).pathname;

const MAX_FILES = 16;
const MAX_COLUMNS = 100;
const SOURCE = /\.(?:ts|sh|mjs|go|transcript)$/;
const COMMENTED = /\.(?:ts|sh|mjs)$/;

/** What is read from outside, and the files that may read it. */
const OUTSIDE =
  /\bprocess\.(?:argv0?|env|ppid|std(?:in|out|err)|exit(?:Code)?|cwd)\b|\bDate\.now\(|(?<![\w.])set(?:Timeout|Interval)\(/;
const PORTS = /^src\/(?:cli\/(?:main\.ts|computer\/)|sdk\/testing\/)/;

/** @type {string[]} */
const problems = [];
for (const top of ['src', 'test']) checkFolder(join(root, top));
for (const top of ['scripts', 'src', 'test'])
  for (const file of filesBelow(join(root, top))) checkComments(file);
for (const file of filesBelow(join(root, 'src'))) if (file.endsWith('.ts')) checkPorts(file);
for (const file of filesBelow(join(root, 'test')))
  if (file.endsWith('.ts') && !relative(root, file).startsWith('test/bench/')) checkTimes(file);
for (const top of ['src', 'test'])
  for (const file of filesBelow(join(root, top))) if (file.endsWith('.ts')) checkKeys(file);
for (const problem of problems) console.log(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

/** @param {string} folder */
function checkFolder(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && SOURCE.test(entry.name));
  if (files.length > MAX_FILES)
    problems.push(
      `${relative(root, folder)}: ${files.length} source files, at most ${MAX_FILES}: merge some, or make sub-folders`,
    );
  for (const entry of entries) if (entry.isDirectory()) checkFolder(join(folder, entry.name));
}

/** @param {string} path */
function checkPorts(path) {
  const name = relative(root, path);
  for (const [index, text] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (/^\s*(?:\/\/|\/?\*)/.test(text)) continue;
    const outside = PORTS.test(name) ? null : OUTSIDE.exec(text);
    if (outside !== null)
      problems.push(
        `${name}:${index + 1}: ${outside[0]}: take it from Io, Clock or Ports, which src/cli/computer makes`,
      );
    if (name.startsWith('src/cli/') && /\.withMachine\(/.test(text))
      problems.push(
        `${name}:${index + 1}: src/cli takes no machine's lock: make it an operation of src/machine`,
      );
  }
}

/** @param {string} path */
function checkTimes(path) {
  for (const [index, text] of readFileSync(path, 'utf8').split('\n').entries())
    if (/expect\((?:Date|performance)\.now\(\) -|performance\.now\(/.test(text))
      problems.push(
        `${relative(root, path)}:${index + 1}: a test measures time: count events, or use a clock of its own`,
      );
}

/** @param {string} path */
function checkKeys(path) {
  const text = readFileSync(path, 'utf8');
  const imported = /import \{[^}]*\b(generateKeyPair(?:Sync)?)\b[^}]*\} from 'node:crypto'/.exec(text)?.[1];
  for (const [call, name] of text.matchAll(/\b(generateKeyPair(?:Sync)?)\)?\('[^)]*\)/g))
    if (name === imported && !call.includes('privateKeyEncoding'))
      problems.push(`${relative(root, path)}: ${call}: ask for privateKeyEncoding and publicKeyEncoding`);
}

/** @param {string} folder */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && COMMENTED.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * A line of a comment: its words without the signs around them, and the column that it ends at.
 * @typedef {{ readonly line: number, readonly words: string, readonly end: number }} Comment
 */

/** @param {string} path */
function checkComments(path) {
  const text = readFileSync(path, 'utf8');
  const lines = text.split('\n');
  const comments = path.endsWith('.sh') ? shellComments(lines) : scriptComments(path, text);
  for (const { line, words, end } of comments) {
    // A suppression stands on one line, and an address cannot be broken.
    const isUnbreakable = words.startsWith('biome-ignore') || !words.includes(' ');
    if (end > MAX_COLUMNS && !isUnbreakable)
      problems.push(
        `${relative(root, path)}:${line + 1}: the comment ends at column ${end}, beyond ${MAX_COLUMNS}: break the line`,
      );
  }
}

/** @param {readonly string[]} lines @returns {Comment[]} */
function shellComments(lines) {
  return lines.flatMap((text, line) => {
    const words = /^\s*#(.*)$/.exec(text)?.[1];
    return words === undefined ? [] : [{ line, words: words.trim(), end: text.length }];
  });
}

/**
 * Reads the syntax tree, so that strings and regular expressions are not taken for comments.
 * @param {string} path
 * @param {string} text
 * @returns {Comment[]}
 */
function scriptComments(path, text) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  /** @type {Map<number, ts.CommentRange>} */
  const ranges = new Map();
  /** @param {ts.Node} node */
  const visit = (node) => {
    for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
      ranges.set(range.pos, range);
    for (const range of ts.getTrailingCommentRanges(text, node.getEnd()) ?? []) ranges.set(range.pos, range);
    for (const child of node.getChildren(file)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(file);
  return [...ranges.values()].flatMap(({ pos, end }) => {
    const first = file.getLineAndCharacterOfPosition(pos);
    const parts = text.slice(pos, end).split('\n');
    return parts.map((part, index) => ({
      line: first.line + index,
      words: part.replace(/^\s*(?:\/\/|\/\*\*?|\*)\s*|\s*\*\/$/g, ''),
      end: (index === 0 ? first.character : 0) + part.length,
    }));
  });
}
