import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../../src/base/ports.ts';
import { systemClock } from '../../../src/cli/host/clock.ts';
import { localPrograms } from '../../../src/cli/host/programs.ts';
import type { BaseConfig, DriverContext } from '../../../src/drivers/contract.ts';

/** Images are large and slow to make: all tests share this folder, also from one run to the next. */
export const sharedCacheDir = '/var/tmp/mymachine-cache';

/** What was said, and how long each step took. */
export interface Heard {
  readonly lines: string[];
  readonly stepMs: Record<string, number>;
}

export interface TestContext<C extends BaseConfig> {
  readonly context: DriverContext<C>;
  readonly heard: Heard;
  readonly storeDir: string;
}

export function listeningReport(heard: Heard): Report {
  return {
    info: (line) => heard.lines.push(line),
    warn: (line) => heard.lines.push(`warning: ${line}`),
    debug: (scope, line) => heard.lines.push(`(${scope}) ${line}`),
    progress: () => undefined,
    step: (_title, work) => work(),
  };
}

export function newBaseConfig(name: string, storeDir: string): BaseConfig {
  return {
    IPAddress: '',
    MachineName: name,
    SSHUser: '',
    SSHPort: 0,
    SSHKeyPath: '',
    StorePath: storeDir,
    SwarmMaster: false,
    SwarmHost: '',
    SwarmDiscovery: '',
  };
}

/** A driver's context over a real folder, with the journal's rules: a step that is done is not run again. */
export async function driverContext<C extends BaseConfig>(
  name: string,
  configure: (base: BaseConfig) => C,
  options: { readonly cacheDir?: string; readonly storeDir?: string } = {},
): Promise<TestContext<C>> {
  const storeDir = options.storeDir ?? (await mkdtemp(join(tmpdir(), 'store-')));
  const dir = join(storeDir, 'machines', name);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  let config = configure(newBaseConfig(name, storeDir));
  const done = new Set<string>();
  const heard: Heard = { lines: [], stepMs: {} };
  const save = async (patch: Partial<C>) => {
    config = { ...config, ...patch };
    await writeFile(join(dir, 'config.json'), JSON.stringify(config));
  };
  const context: DriverContext<C> = {
    clock: systemClock,
    report: listeningReport(heard),
    programs: localPrograms(process.env),
    signal: new AbortController().signal,
    machine: { name, id: randomUUID(), dir },
    storeDir,
    cacheDir: options.cacheDir ?? sharedCacheDir,
    get config() {
      return config;
    },
    save,
    async step(id, _title, effect) {
      if (done.has(id)) return;
      const begin = Date.now();
      const patch = await effect();
      heard.stepMs[id] = Date.now() - begin;
      if (patch) await save(patch);
      done.add(id);
    },
  };
  return { context, heard, storeDir };
}
