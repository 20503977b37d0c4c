import { certFolder, clientUrl, engineUrl } from '../../../machine/engine/connection.ts';
import { Machine } from '../../../machine/machine.ts';
import type { App } from '../../app.ts';
import type { CommandFlag, ValuesOf } from '../../args/parse.ts';
import { defineCommand, oneName, text, value } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { connectTimeoutFlag, patienceOf } from '../../output/ls-columns.ts';
import { shellOfCaller } from '../../shells/detect.ts';
import { type Assignment, renderEnv, switchVariables, tlsVariables } from '../../shells/render-env.ts';
import { shellNames } from '../../shells/syntaxes.ts';
import { warnOfExpiryOf } from '../../talk/warn-of-expiry.ts';

const envFlags = [
  { name: 'swarm', kind: 'bool', help: 'Display the Swarm config instead of the Docker daemon' },
  {
    name: 'shell',
    kind: 'string',
    takes: shellNames,
    help: 'Force environment to be configured for a specified shell: [bash, zsh, sh, fish, cmd, powershell, tcsh, emacs, nushell, elvish], default is auto-detect',
  },
  { name: 'unset', short: 'u', kind: 'bool', help: 'Unset variables instead of setting them' },
  { name: 'no-proxy', kind: 'bool', help: 'Add machine IP to NO_PROXY environment variable' },
  { name: 'fix', kind: 'bool', help: 'Renew the certificates first where they are what is wrong' },
  connectTimeoutFlag,
  { name: 'fast', kind: 'bool', help: 'Do not ask the engine first' },
  { name: 'check', kind: 'bool', help: 'Ask the engine first: what env does anyway', hidden: true },
] as const satisfies readonly CommandFlag[];

type EnvFlags = ValuesOf<typeof envFlags>;

export const command = defineCommand({
  argument: '[name]',
  description:
    'Argument is a machine name. Prints what a shell evaluates, so that its docker client talks to that machine.',
  examples: ['env host1', 'env --shell fish host1', 'env --unset'],
  talkToStderr: true,
  flags: envFlags,
  json: true,
  async run(app, input) {
    const { flags, args } = input;
    const shell = flags.shell || (await shellOfCaller(app));
    const again = app.argv.filter((word) => !/^--?fix(=|$)/.test(word));
    const hint = [await app.invocation(), ...again];
    if (flags.unset) {
      if (args.length > 0)
        throw cliError('MM_ARGUMENTS', {
          message: 'Error: Expected no machine name when the -u flag is present',
        });
      const unsets = flags['no-proxy'] ? [...switchVariables, proxyName(app)] : switchVariables;
      return text(renderEnv(shell, [], unsets, hint));
    }
    const name = await oneName(app, args);
    if (flags.fix) {
      const { fixCertificates } = await import('../../../machine/life/provision.ts');
      await fixCertificates(app.deps, name);
    }
    const machine = await Machine.open({ ...app.deps, ...patienceOf(input) }, name);
    const url = await urlFor(app, machine, flags);
    const sets = await assignments(app, machine, flags, url);
    return value(Object.fromEntries(sets.map(({ name, value }) => [name, value])), async () => {
      if (!machine.isThroughSsh) return renderEnv(shell, sets, [], hint);
      const { missingForDocker } = await import('../../ssh-client.ts');
      const missing = await missingForDocker(app, machine, url);
      // Nobody reads the comments of what a shell evaluates.
      if (missing !== undefined && !app.io.stdout.isTTY) app.report.warn(missing);
      return renderEnv(shell, sets, tlsVariables, hint, missing === undefined ? [] : [missing]);
    });
  },
});

async function assignments(
  app: App,
  machine: Machine,
  flags: EnvFlags,
  url: string,
): Promise<readonly Assignment[]> {
  const values: Assignment[] = machine.isThroughSsh
    ? [{ name: 'DOCKER_HOST', value: url }]
    : [
        { name: 'DOCKER_TLS_VERIFY', value: '1' },
        { name: 'DOCKER_HOST', value: url },
        { name: 'DOCKER_CERT_PATH', value: await certFolder(machine) },
      ];
  values.push({ name: 'DOCKER_MACHINE_NAME', value: machine.name });
  if (app.io.platform === 'win32') values.push({ name: 'COMPOSE_CONVERT_WINDOWS_PATHS', value: 'true' });
  if (flags['no-proxy']) {
    const name = proxyName(app);
    const old = (app.io.env[name] ?? '').split(',').filter((entry) => entry !== '');
    const { address } = await machine.lastLook();
    values.push({ name, value: [...new Set([...old, address])].join(',') });
  }
  return values;
}

/** The lower-case variable if it is in use, as docker-machine chose. */
function proxyName(app: App): string {
  return (app.io.env['no_proxy'] ?? '') === '' ? 'NO_PROXY' : 'no_proxy';
}

async function urlFor(app: App, machine: Machine, flags: EnvFlags): Promise<string> {
  const swarm = flags.swarm;
  if (flags.fast && !swarm) return engineUrl(machine);
  const prefix = machine.isThroughSsh
    ? 'Error checking the connection through SSH'
    : 'Error checking TLS connection';
  const { url, seen } = await clientUrl(machine, { swarm, prefix });
  await warnOfExpiryOf(app, machine, seen);
  return url;
}
