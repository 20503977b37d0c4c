import { cell } from './commands-page.ts';
import { variables } from './environment.ts';
import { exitCodes, sshExitCode } from './exit-codes.ts';
import type { ProgramReference } from './reference.ts';

/** docs/environment.md */
export function environmentPage(reference: ProgramReference): string {
  return `# Environment variables and exit codes

Made of the definitions of the commands by \`node scripts/docs.mjs\`.

An option on the command line counts before its variable, the variable before a preference (\`mymachine prefs\`), and that
before the default. An empty variable counts as none.

| variable | | for |
|---|---|---|
${variables(reference)
  .map(
    ({ name, about, scope }) =>
      `| \`${name.replaceAll(', ', '`, `')}\` | ${cell(about)} | ${scope === '' ? 'every command' : scope} |`,
  )
  .join('\n')}

## Exit codes

| code | meaning |
|---|---|
${exitCodes.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

${sshExitCode} What failed is said by an [error id](errors.md), too.
`;
}
