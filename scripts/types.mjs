// The types that `mymachine/driver` and `mymachine/driver/testing` are published with.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/**
 * Writes the declarations that are reached from the entries, and no others.
 * @param {string} root of the repository
 * @param {readonly string[]} entries paths below src
 * @param {string} outDir
 */
export async function writeTypes(root, entries, outDir) {
  const src = join(root, 'src');
  const settings = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config.compilerOptions;
  const { options } = ts.convertCompilerOptionsFromJson(settings, root);
  const files = ['shell-text.d.ts', ...entries].map((entry) => join(src, entry));
  const program = ts.createProgram(files, {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: src,
    outDir: src,
  });
  /** @type {Map<string, string>} */
  const declarations = new Map();
  const { diagnostics } = program.emit(undefined, (path, text) => declarations.set(path, text));
  if (diagnostics.length > 0) {
    const host = { getCurrentDirectory: () => root, getNewLine: () => '\n', getCanonicalFileName: String };
    throw new Error(ts.formatDiagnostics(diagnostics, host));
  }
  /** @type {Set<string>} */
  const reached = new Set(entries.map((entry) => join(src, entry)));
  for (const path of reached) {
    const text = declarations.get(path.replace(/\.ts$/, '.d.ts')) ?? '';
    for (const [, file = ''] of text.matchAll(/ from '(\.[^']+)'/g)) reached.add(join(dirname(path), file));
    const out = join(outDir, relative(src, path).replace(/\.ts$/, '.d.ts'));
    await mkdir(dirname(out), { recursive: true });
    await writeFile(out, text.replace(/( from '\.[^']+)\.ts'/g, "$1.js'"));
  }
}
