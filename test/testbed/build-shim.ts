import { chmod } from 'node:fs/promises';
import { build } from 'esbuild';

/**
 * Makes a program of one source file, with constants
 * that it declares: what a test puts first in PATH.
 */
export async function buildShim(
  source: string,
  outfile: string,
  constants: Readonly<Record<string, string | number>>,
): Promise<void> {
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    banner: { js: `#!${process.execPath}` },
    define: Object.fromEntries(
      Object.entries(constants).map(([name, value]) => [name, JSON.stringify(value)]),
    ),
    logLevel: 'silent',
  });
  await chmod(outfile, 0o755);
}
