import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineCertificate, type FakeEngine, startFakeEngine } from '../../testbed/fake-engine.ts';
import { type Outcome, PROGRAM, Sandbox } from '../program.ts';
import { readCommandLine } from './command-line.ts';
import { expandPlaces } from './compare.ts';

/**
 * What one case happens in: a home, what was started for it, and what its placeholders stand for.
 */
export interface CaseContext {
  readonly sandbox: Sandbox;
  readonly places: Map<string, string>;
  readonly engines: FakeEngine[];
  readonly bin: string;
  /** How long one command may take. */
  readonly timeoutMs: number;
}

/**
 * Shared by all cases of a run: the program under
 * both of its names, and a machine to make copies of.
 */
export interface Fixture {
  readonly bin: string;
  readonly pattern: Sandbox;
  close(): Promise<void>;
}

const TEMPLATE = { name: 'template', url: 'tcp://template.invalid:1' };
const FIXTURES = join(import.meta.dirname, '../../fixtures');
const TIMEOUT_MS = 45_000;

export async function openFixture(): Promise<Fixture> {
  const bin = await mkdtemp(join(tmpdir(), 'mm-bin-'));
  for (const name of ['mymachine', 'docker-machine']) await symlink(PROGRAM, join(bin, name));
  const pattern = await Sandbox.make();
  const made = await pattern.run(['create', '--driver', 'none', '--url', TEMPLATE.url, TEMPLATE.name]);
  if (made.code !== 0) throw new Error(`the program makes no machine:\n${made.stderr}`);
  const close = async () => {
    await pattern.remove();
    await rm(bin, { recursive: true, force: true });
  };
  return { bin, pattern, close };
}

export async function openCase(
  fixture: Fixture,
  sandbox: Sandbox,
  places: ReadonlyMap<string, string>,
  timeoutMs = TIMEOUT_MS,
): Promise<CaseContext> {
  const own = [
    ['HOME', sandbox.home],
    ['STORE', sandbox.store],
    ['FIXTURES', FIXTURES],
    [
      'VERSION',
      JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8')).version,
    ],
  ] as const;
  return { sandbox, places: new Map([...own, ...places]), engines: [], bin: fixture.bin, timeoutMs };
}

export async function closeCase(context: CaseContext): Promise<void> {
  await Promise.all(context.engines.map((engine) => engine.close()));
}

/** Runs a command line of the transcript; a program that hangs is ended, which no case expects. */
export async function runLine(context: CaseContext, text: string): Promise<Outcome> {
  const line = readCommandLine(text, (word) => expandPlaces(word, context.places));
  let timer: NodeJS.Timeout | undefined;
  const path = `${context.bin}:${process.env['PATH'] ?? ''}`;
  // The first word is looked for in the PATH of who starts it, not in that of the child.
  const [program = '', ...args] = line.argv;
  const isOurs = program === 'mymachine' || program === 'docker-machine';
  const outcome = await context.sandbox.exec([isOurs ? join(context.bin, program) : program, ...args], {
    env: { PATH: path, ...line.env },
    input: line.stdin,
    onStart: (child) => {
      timer = setTimeout(() => child.kill('SIGKILL'), context.timeoutMs);
    },
  });
  clearTimeout(timer);
  return outcome;
}

/** A `+` line. */
export async function prepare(fixture: Fixture, context: CaseContext, text: string): Promise<void> {
  const { argv } = readCommandLine(text, (word) => expandPlaces(word, context.places));
  const [verb, ...args] = argv;
  if (verb === 'machine') return copyMachine(fixture, context, args);
  if (verb === 'adopted') return copyAdopted(fixture, context, args);
  if (verb === 'engine') return startEngine(context, args);
  const { code, signal, stdout, stderr } = await runLine(context, text);
  if (code !== 0) throw new Error(`+ ${text}\nended with ${code ?? signal}\n${stdout}${stderr}`);
}

async function copyMachine(
  fixture: Fixture,
  { sandbox }: CaseContext,
  [name, url, ...more]: readonly string[],
): Promise<void> {
  if (name === undefined || url === undefined || more.length > 0)
    throw new Error('+ machine takes NAME and URL');
  const { pattern } = fixture;
  const [from, to] = [join(pattern.store, 'machines', TEMPLATE.name), join(sandbox.store, 'machines', name)];
  await mkdir(join(sandbox.store, 'machines'), { recursive: true, mode: 0o700 });
  await cp(join(pattern.store, 'certs'), join(sandbox.store, 'certs'), { recursive: true });
  await cp(from, to, { recursive: true, errorOnExist: true, force: false });
  const host = /^\w+:\/\/(\[[^\]]*\]|[^:/]*)/.exec(url)?.[1] ?? '';
  const config = (await readFile(join(from, 'config.json'), 'utf8'))
    .replaceAll(from, to)
    .replaceAll(pattern.home, sandbox.home)
    .replaceAll(TEMPLATE.url, url)
    .replaceAll('"template.invalid"', JSON.stringify(host.replace(/^\[|\]$/g, '')))
    .replaceAll(`"${TEMPLATE.name}"`, JSON.stringify(name));
  await writeFile(join(to, 'config.json'), config, { mode: 0o600 });
  const meta = JSON.parse(await readFile(join(from, 'mymachine.json'), 'utf8'));
  await writeFile(join(to, 'mymachine.json'), JSON.stringify({ ...meta, id: randomUUID() }), { mode: 0o600 });
}

/**
 * The same as a host that generic adopted: its record names
 * the engine's port, and an SSH port at which nothing listens.
 */
async function copyAdopted(
  fixture: Fixture,
  context: CaseContext,
  [name = '', address = '']: readonly string[],
): Promise<void> {
  const [host, port] = address.split(':');
  await copyMachine(fixture, context, [name, `tcp://${address}`]);
  const path = join(context.sandbox.store, 'machines', name, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  const { URL: _, ...base } = config.Driver;
  const Driver = { ...base, IPAddress: host, SSHPort: 1, EnginePort: Number(port), SSHKey: '' };
  await writeFile(path, JSON.stringify({ ...config, Driver, DriverName: 'generic' }, null, 4), {
    mode: 0o600,
  });
}

const ENGINE_OPTIONS = ['version', 'api', 'min-api', 'certificate', 'answers'];

async function startEngine(context: CaseContext, [name = '', ...words]: readonly string[]): Promise<void> {
  if (!/^[A-Z_]+$/.test(name) || context.places.has(name))
    throw new Error('+ engine takes a new NAME in capitals');
  const options: Record<string, string> = {};
  for (let at = 0; at < words.length; at += 2) {
    const [key = '', value] = [words[at]?.replace(/^--/, ''), words[at + 1]];
    if (!ENGINE_OPTIONS.includes(key) || value === undefined)
      throw new Error(`+ engine: ${words.slice(at).join(' ')}`);
    options[key] = value;
  }
  const { 'min-api': minApi, certificate, answers, ...rest } = options;
  if (answers !== undefined && answers !== 'never') throw new Error(`+ engine: --answers ${answers}`);
  const engine = await startFakeEngine({
    certDir: join(context.sandbox.store, 'certs'),
    ...rest,
    silent: answers === 'never',
    ...(minApi === undefined ? {} : { minApi }),
    ...(certificate === undefined ? {} : { certificate: certificate as EngineCertificate }),
  });
  context.engines.push(engine);
  context.places.set(name, engine.address);
}
