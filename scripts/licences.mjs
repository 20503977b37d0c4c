import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} folder of a package */
function licenceText(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  const who = typeof author === 'string' ? author : (author?.name ?? '');
  // A few packages name their licence without its text.
  const body = texts.length > 0 ? texts.join('\n\n') : [license, who].filter(Boolean).join(', ');
  return `${name} ${version} (${license ?? 'see below'})\n\n${body}\n`;
}

/**
 * The licences of all packages that have one of these files in a bundle.
 * @param {readonly string[]} files
 */
export function licences(files) {
  const folders = files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  const texts = [...new Set(folders)].sort().map(licenceText);
  const intro =
    'What is bundled with this program besides its own code (see LICENSE), with the licence of each part.\n';
  return [intro, ...texts].join(`\n${'-'.repeat(80)}\n\n`);
}
