// Checks the grammar of texts for users: messages begin with a capital, hints end as sentences.
// It parses src, and follows constants, parameters and functions to the texts themselves.
// It also checks that the subjects of commits are short, where git's history is there.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const root = new URL('..', import.meta.url).pathname;
const MAX_SUBJECT = 72;
/** Commits up to this one are older than the rule about their subjects. */
const BASE = '2849e83';

/** Beginnings in lower case that stay, because scripts and people know them, by their origin. */
const ALLOWED = {
  "Go's flag package, which docker-machine parses its command line with": [
    'bad flag syntax: ',
    'flag needs an argument: -',
    'flag provided but not defined: -',
    'invalid boolean value ',
    'invalid value ',
  ],
  'docker-machine, libmachine/cert/bootstrap.go': ['certificate authority key already exists'],
  'docker-machine, libmachine/persist/filestore.go': ['config version is from the future'],
  'docker-machine, libmachine/ssh/client.go': ['permissions '],
  'docker-machine, drivers/amazonec2': [
    'unable to find a subnet in ',
    'unable to read user data file',
    'using --amazonec2-keypair-name also requires --amazonec2-ssh-keypath',
  ],
  'docker-machine, drivers/generic': ['generic driver requires the --generic-ip-address option'],
  'docker-machine, drivers/none': ['hosts without a driver cannot be '],
  "Go's text/template, as docker-machine reports it": ['template parsing error: ', 'template: '],
  'a program that the sentence begins with': [
    'apt ',
    'apt-get ',
    'docker ',
    'docker-machine',
    'dockerd ',
    'mymachine',
  ],
};
const allowed = Object.values(ALLOWED).flat();

/** @typedef {{ readonly text: string, readonly node: ts.Node }} Edge */
/** @typedef {'begin' | 'end'} Side */
/** @typedef {ts.FunctionDeclaration | ts.MethodDeclaration} Declared */
/** @typedef {Declared | ts.ArrowFunction | ts.FunctionExpression} Fn */

/** @type {Map<string, ts.SourceFile>} */
const files = new Map();
for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
  const path = join(root, 'src', name);
  if (name.endsWith('.ts'))
    files.set(path, ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2023, true));
}

/** @param {ts.Node} node @param {(node: ts.Node) => void} visit */
function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/**
 * The values of a file's constants, and its functions, by name.
 * @type {Map<string, Map<string, ts.Node>>}
 */
const declared = new Map();
/**
 * What a file imports, by the local name.
 * @type {Map<string, Map<string, { path: string, name: string }>>}
 */
const imported = new Map();
/** The calls of each function or method, by its name. @type {Map<string, ts.CallExpression[]>} */
const calls = new Map();
for (const [path, source] of files) {
  const here = new Map();
  const from = new Map();
  walk(source, (node) => {
    if (ts.isFunctionDeclaration(node) && node.name !== undefined) here.set(node.name.text, node);
    else if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined)
      here.set(node.name.text, node.initializer);
    else if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const bindings = node.importClause?.namedBindings;
      if (bindings !== undefined && ts.isNamedImports(bindings))
        for (const { name, propertyName } of bindings.elements)
          from.set(name.text, {
            path: join(dirname(path), node.moduleSpecifier.text),
            name: (propertyName ?? name).text,
          });
    } else if (ts.isCallExpression(node)) {
      const called = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
      if (ts.isIdentifier(called)) calls.set(called.text, [...(calls.get(called.text) ?? []), node]);
    }
  });
  declared.set(path, here);
  imported.set(path, from);
}

/**
 * The value or function that a name stands for.
 * @param {ts.Identifier} node
 * @returns {ts.Node | undefined}
 */
function resolve(node) {
  const path = node.getSourceFile().fileName;
  const own = declared.get(path)?.get(node.text);
  if (own !== undefined) return own;
  const source = imported.get(path)?.get(node.text);
  return source === undefined ? undefined : declared.get(source.path)?.get(source.name);
}

/** @param {ts.Node} node @returns {node is Fn} */
const isFunction = (node) =>
  ts.isFunctionDeclaration(node) ||
  ts.isArrowFunction(node) ||
  ts.isFunctionExpression(node) ||
  ts.isMethodDeclaration(node);

/**
 * The arguments that calls give for a parameter; undefined when the name is none.
 * @param {ts.Identifier} node
 * @param {Side} side
 * @returns {readonly ts.Node[] | undefined}
 */
function argumentsFor(node, side) {
  for (let fn = node.parent; fn !== undefined; fn = fn.parent) {
    if (!isFunction(fn)) continue;
    const index = fn.parameters.findIndex(({ name }) => ts.isIdentifier(name) && name.text === node.text);
    if (index < 0) continue;
    const named = ts.isVariableDeclaration(fn.parent) ? fn.parent.name : fn.name;
    if (named === undefined || !ts.isIdentifier(named)) return [];
    const owner = fn;
    // Without types a method is known by its name alone, which is enough for hints.
    const own = (calls.get(named.text) ?? []).filter(({ expression }) =>
      ts.isIdentifier(expression)
        ? resolve(expression) === owner
        : side === 'end' && ts.isMethodDeclaration(owner),
    );
    const values = own.flatMap((call) => call.arguments[index] ?? []);
    const preset = fn.parameters[index]?.initializer;
    return preset === undefined ? values : [...values, preset];
  }
  return undefined;
}

/** @param {Fn} fn */
const nameOf = (fn) => (ts.isVariableDeclaration(fn.parent) ? fn.parent.name : fn.name)?.getText() ?? '';

/** @param {Fn} fn @returns {ts.Node[]} what a function returns. */
function results(fn) {
  if (fn.body === undefined) return [];
  if (!ts.isBlock(fn.body)) return [fn.body];
  /** @type {ts.Node[]} */
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (isFunction(node)) return;
    if (ts.isReturnStatement(node) && node.expression !== undefined) found.push(node.expression);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(fn.body, visit);
  return found;
}

/**
 * The texts that an expression can begin or end with, as far as the source shows them. A text that
 * ends with a value has an empty edge there.
 * @param {ts.Node | undefined} node
 * @param {Side} side
 * @param {readonly ts.Node[]} [seen]
 * @returns {Edge[]}
 */
function edges(node, side, seen = []) {
  if (node === undefined || seen.includes(node)) return [];
  /** @param {readonly (ts.Node | undefined)[]} nodes */
  const again = (...nodes) => nodes.flatMap((each) => edges(each, side, [...seen, node]));
  if (ts.isStringLiteralLike(node)) return [{ text: node.text, node }];
  if (ts.isTemplateExpression(node)) {
    const last = node.templateSpans.at(-1);
    const text = (side === 'begin' ? node.head : last?.literal)?.text ?? '';
    if (text !== '') return [{ text, node }];
    const inner = again(side === 'begin' ? node.templateSpans[0]?.expression : last?.expression);
    return inner.length > 0 ? inner : [{ text, node }];
  }
  if (ts.isConditionalExpression(node)) return again(node.whenTrue, node.whenFalse);
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return again(node.expression);
  if (ts.isBinaryExpression(node)) {
    const { left, right } = node;
    const kind = node.operatorToken.kind;
    if (kind === ts.SyntaxKind.PlusToken) return again(side === 'begin' ? left : right);
    if (kind === ts.SyntaxKind.QuestionQuestionToken || kind === ts.SyntaxKind.BarBarToken)
      return again(left, right);
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    // What makes a text printable leaves both of its ends.
    if (node.expression.text === 'printable') return again(node.arguments[0]);
    return again(resolve(node.expression));
  }
  if (isFunction(node)) return again(...results(node));
  if (ts.isIdentifier(node)) return again(...(argumentsFor(node, side) ?? [resolve(node)]));
  return [];
}

/** @type {Set<string>} */
const problems = new Set();
/** @param {Edge} edge @param {string} what */
function problem({ text, node }, what) {
  const source = node.getSourceFile();
  const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  const shown = JSON.stringify(text.length > 70 ? `…${text.slice(-70)}` : text);
  problems.add(`${source.fileName.slice(root.length)}:${line}: ${what}: ${shown}`);
}

/** @param {ts.Node} value */
function checkBegin(value) {
  for (const edge of edges(value, 'begin'))
    if (/^[a-z]/.test(edge.text) && !allowed.some((word) => edge.text.startsWith(word)))
      problem(edge, 'a text for the user begins with a capital');
}

/** @param {ts.Node} value */
function checkEnd(value) {
  for (const edge of edges(value, 'end'))
    if (!/[.?!][)"]?$/.test(edge.text)) problem(edge, 'a hint ends with a full stop, "?" or "!"');
}

for (const source of files.values()) {
  walk(source, (node) => {
    if (ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)) {
      const value = ts.isPropertyAssignment(node) ? node.initializer : node.name;
      if (!ts.isIdentifier(node.name) || !/^(?:message|hint)$/.test(node.name.text)) return;
      // A question of inquirer has both, and the first is no sentence.
      const isQuestion = node.parent.properties.some((each) => each.name?.getText() === 'type');
      if (isQuestion) return;
      checkBegin(value);
      if (node.name.text === 'hint') checkEnd(value);
    } else if (isFunction(node) && /hint/i.test(nameOf(node))) {
      for (const value of results(node)) checkEnd(value);
    } else if (ts.isCallExpression(node) && /\breport\.(?:info|warn)$/.test(node.expression.getText())) {
      const [said] = node.arguments;
      if (said !== undefined) checkBegin(said);
    }
  });
}

const log = spawnSync('git', ['log', '--format=%h %s', `${BASE}..HEAD`], { cwd: root, encoding: 'utf8' });
// An unpacked archive has no history, and a shallow clone lacks the base.
for (const line of log.status === 0 ? log.stdout.trim().split('\n') : []) {
  const subject = line.slice(line.indexOf(' ') + 1);
  if (subject.length > MAX_SUBJECT)
    problems.add(
      `commit ${line}: a subject has at most ${MAX_SUBJECT} characters, this has ${subject.length}`,
    );
}

for (const each of problems) console.log(each);
process.exitCode = problems.size > 0 ? 1 : 0;
