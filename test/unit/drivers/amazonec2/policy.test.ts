import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../../..');
const DRIVER = join(ROOT, 'src/drivers/amazonec2');

/** The calls that stand in the driver's sources. */
function callsMade(): string[] {
  const text = readdirSync(DRIVER, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(DRIVER, file), 'utf8'))
    .join('\n');
  const sent = [...text.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name ?? '');
  const paged = [...text.matchAll(/ paginate(\w+)\(/g)].map(([, name]) => name ?? '');
  return [...new Set([...sent, ...paged])];
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
}

function policy(): readonly Statement[] {
  const page = readFileSync(join(ROOT, 'docs/drivers/amazonec2.md'), 'utf8');
  return JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '{}').Statement;
}

test('the policy in the documentation allows the calls that the driver makes, tagging what it creates, and no more', () => {
  const allowed = policy().flatMap(({ Action }) => Action);
  // A call that creates with tags needs ec2:CreateTags beside its own.
  // See "Tag resources during creation" in the Amazon EC2 User Guide.
  const needed = [...callsMade(), 'CreateTags'].map((call) => `ec2:${call}`);
  expect([...new Set(allowed)].sort()).toEqual([...needed].sort());
  expect(policy().every(({ Effect }) => Effect === 'Allow')).toBe(true);
  expect(needed.length).toBeGreaterThan(15);
});
