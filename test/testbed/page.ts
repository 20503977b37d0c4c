import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The files that docs/writing-a-driver.md has: a line with a name, then a block with the content.
 */
export async function filesOfPage(): Promise<ReadonlyMap<string, string>> {
  const page = join(import.meta.dirname, '../../docs/writing-a-driver.md');
  const blocks = (await readFile(page, 'utf8')).matchAll(/^`([\w.-]+)`:\n\n```\w+\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, name = '', content = '']) => [name, content]));
}
