import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineCertificate, type EngineStub, startEngineStub } from '../../testbed/engine-stub.ts';
import { type Outcome, PROGRAM, Sandbox } from '../program.ts';
import { expandPlaces } from './compare.ts';
import { readCommandLine } from './words.ts';

/** What one case happens in: a home, what was started for it, and what its placeholders stand for. */
export interface World {
  readonly sandbox: Sandbox;
  readonly places: Map<string, string>;
  readonly engines: EngineStub[];
  readonly bin: string;
  /** How long one command may take. */
  readonly timeoutMs: number;
}

/** Shared by all cases of a run: the program under both of its names, and a machine to make copies of. */
export interface Stage {
  readonly bin: string;
  readonly pattern: Sandbox;
  close(): Promise<void>;
}

const TEMPLATE = { name: 'template', url: 'tcp://template.invalid:1' };
const FIXTURES = join(import.meta.dirname, '../../fixtures');
const TIMEOUT_MS = 45_000;

export async function openStage(): Promise<Stage> {
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

export async function openWorld(
  stage: Stage,
  sandbox: Sandbox,
  places: ReadonlyMap<string, string>,
  timeoutMs = TIMEOUT_MS,
): Promise<World> {
  const own = [
    ['HOME', sandbox.home],
    ['STORE', sandbox.store],
    ['FIXTURES', FIXTURES],
    [
      'VERSION',
      JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8')).version,
    ],
  ] as const;
  return { sandbox, places: new Map([...own, ...places]), engines: [], bin: stage.bin, timeoutMs };
}

export async function closeWorld(world: World): Promise<void> {
  await Promise.all(world.engines.map((engine) => engine.close()));
}

/** Runs a command line of the transcript; a program that hangs is ended, which no case expects. */
export async function runLine(world: World, text: string): Promise<Outcome> {
  const line = readCommandLine(text, (word) => expandPlaces(word, world.places));
  let timer: NodeJS.Timeout | undefined;
  const path = `${world.bin}:${process.env['PATH'] ?? ''}`;
  // The first word is looked for in the PATH of who starts it, not in that of the child.
  const [program = '', ...args] = line.argv;
  const isOurs = program === 'mymachine' || program === 'docker-machine';
  const outcome = await world.sandbox.exec([isOurs ? join(world.bin, program) : program, ...args], {
    env: { PATH: path, ...line.env },
    input: line.stdin,
    onStart: (child) => {
      timer = setTimeout(() => child.kill('SIGKILL'), world.timeoutMs);
    },
  });
  clearTimeout(timer);
  return outcome;
}

/** A `+` line. */
export async function prepare(stage: Stage, world: World, text: string): Promise<void> {
  const { argv } = readCommandLine(text, (word) => expandPlaces(word, world.places));
  const [verb, ...args] = argv;
  if (verb === 'machine') return copyMachine(stage, world, args);
  if (verb === 'adopted') return copyAdopted(stage, world, args);
  if (verb === 'engine') return startEngine(world, args);
  const { code, signal, stdout, stderr } = await runLine(world, text);
  if (code !== 0) throw new Error(`+ ${text}\nended with ${code ?? signal}\n${stdout}${stderr}`);
}

async function copyMachine(
  stage: Stage,
  { sandbox }: World,
  [name, url, ...more]: readonly string[],
): Promise<void> {
  if (name === undefined || url === undefined || more.length > 0)
    throw new Error('+ machine takes NAME and URL');
  const { pattern } = stage;
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

/** The same as a host that generic adopted: its record names the engine's port, and an SSH port at which nothing listens. */
async function copyAdopted(
  stage: Stage,
  world: World,
  [name = '', address = '']: readonly string[],
): Promise<void> {
  const [host, port] = address.split(':');
  await copyMachine(stage, world, [name, `tcp://${address}`]);
  const path = join(world.sandbox.store, 'machines', name, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  const { URL: _, ...base } = config.Driver;
  const Driver = { ...base, IPAddress: host, SSHPort: 1, EnginePort: Number(port), SSHKey: '' };
  await writeFile(path, JSON.stringify({ ...config, Driver, DriverName: 'generic' }, null, 4), {
    mode: 0o600,
  });
}

const ENGINE_OPTIONS = ['version', 'api', 'min-api', 'certificate', 'answers'];

async function startEngine(world: World, [name = '', ...words]: readonly string[]): Promise<void> {
  if (!/^[A-Z_]+$/.test(name) || world.places.has(name))
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
  const engine = await startEngineStub({
    certDir: join(world.sandbox.store, 'certs'),
    ...rest,
    silent: answers === 'never',
    ...(minApi === undefined ? {} : { minApi }),
    ...(certificate === undefined ? {} : { certificate: certificate as EngineCertificate }),
  });
  world.engines.push(engine);
  world.places.set(name, engine.address);
}
