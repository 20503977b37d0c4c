import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Argv, Programs, RunOptions } from '../../../src/base/ports.ts';
import { recorded } from '../../fixtures/virtualbox/recorded.ts';
import { type Answer, alreadyRunning, done, doneWithProgress, lockedAgainstChange } from './answers.ts';

interface Vm {
  readonly uuid: string;
  readonly name: string;
  readonly folder: string;
  state: 'poweroff' | 'running' | 'paused' | 'saved';
  accessible: boolean;
  mac2: string;
  hostOnly: string;
  controller: string;
  /** Paths of media by port. */
  readonly media: Map<string, string>;
  readonly forwards: Map<string, string>;
  /** Paths of shared folders by name. */
  readonly shares: Map<string, string>;
  readonly servers: Server[];
}

export interface DhcpServer {
  ip: string;
  mask: string;
  lower: string;
  upper: string;
  enabled: boolean;
  /** What its process gives out, if that runs. A change alone does not reach it. */
  serving: string | undefined;
}

/**
 * VBoxManage in memory, for tests that boot nothing. It prints what the recorded runs of 7.2.22
 * print. A machine that runs answers on its SSH port, and hears its power button at once.
 */
export class VirtualBoxStandIn {
  readonly vms: Vm[] = [];
  /** Paths of open disks and ISO images, with their sizes in MiB. */
  readonly media = new Map<string, number>();
  /** Addresses of host-only adapters by name. */
  readonly adapters = new Map<string, { ip: string; mask: string }>();
  readonly dhcp = new Map<string, DhcpServer>();
  /** Addresses by network and MAC address. */
  readonly leases = new Map<string, string>();
  readonly notes = new Map<string, string>();
  readonly calls: (readonly string[])[] = [];
  /** Answers in place of those that would be, for calls that begin so. */
  readonly answers: { readonly args: readonly string[]; readonly answer: Answer }[] = [];
  /** What is run in place of every other program. */
  readonly others: Programs['run'] | undefined;

  constructor(others?: Programs['run']) {
    this.others = others;
  }

  readonly programs: Programs = {
    find: async (program) => (program === 'VBoxManage' ? '/usr/bin/VBoxManage' : undefined),
    run: async (argv: Argv, options: RunOptions = {}) => {
      const [program, ...args] = argv;
      if (!program.endsWith('VBoxManage')) {
        if (this.others !== undefined) return this.others(argv, options);
        throw new Error(`The stand-in runs no ${program}`);
      }
      this.calls.push(args);
      const index = this.answers.findIndex((each) => each.args.every((word, at) => args[at] === word));
      const [given] = index < 0 ? [] : this.answers.splice(index, 1);
      const answer = given?.answer ?? inLocale(args, options.env, await this.#answer(args));
      return { ...answer, timedOut: false };
    },
    runOnTerminal: () => Promise.reject(new Error('VBoxManage gets no terminal')),
    spawnDetached: () => Promise.reject(new Error('VBoxManage is not started in the background')),
  };

  /** All that a machine can leave in VirtualBox, a kind and an id each. */
  holdings(): readonly string[] {
    return [
      ...this.vms.map(({ uuid }) => `vm ${uuid}`),
      ...[...this.media.keys()].map((path) => `medium ${path}`),
      ...[...this.adapters.keys()].map((name) => `adapter ${name}`),
      ...[...this.dhcp.keys()].map((name) => `dhcp ${name}`),
      ...[...this.notes.keys()].map((key) => `note ${key.replace(/\/[^/]*$/, '')}`),
    ];
  }

  /** A machine of the user's own. */
  addVm(name: string, more: Partial<Vm> = {}): Vm {
    const vm: Vm = {
      ...{ uuid: randomUUID(), name, folder: '', state: 'poweroff', accessible: true },
      ...{ mac2: '', hostOnly: '', controller: '' },
      ...{ media: new Map(), forwards: new Map(), shares: new Map(), servers: [], ...more },
    };
    this.vms.push(vm);
    return vm;
  }

  close(): void {
    for (const vm of this.vms) end(vm);
  }

  async #answer([command = '', ...rest]: readonly string[]): Promise<Answer> {
    const [first = '', ...words] = rest;
    const value = (name: string) => rest[rest.indexOf(name) + 1] ?? '';
    switch (command) {
      case '--version':
        return recorded('001');
      case 'list':
        return this.#list(rest);
      case 'createvm': {
        const folder = join(value('--basefolder'), value('--name'));
        const vm = this.addVm(value('--name'), { uuid: value('--uuid'), folder });
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, `${vm.name}.vbox`), '');
        return done(`Virtual machine '${vm.name}' is created and registered.\n`);
      }
      case 'convertfromraw': {
        const target = words[0] ?? '';
        await writeFile(target, 'disk');
        if (first === 'stdin') this.media.set(target, Number(words[1]) / 2 ** 20);
        return done();
      }
      case 'clonemedium':
        await writeFile(words[1] ?? '', 'disk');
        for (const path of words.slice(0, 2)) this.media.set(path, 4096);
        return doneWithProgress;
      case 'closemedium':
        return this.media.delete(words[0] ?? '') ? done() : recorded('202');
      case 'showmediuminfo':
        return done(
          `Location:       ${words[0]}\nCapacity:       ${this.media.get(words[0] ?? '')} MBytes\n`,
        );
      case 'modifymedium':
        this.media.set(words[0] ?? '', Number(value('--resize')));
        return doneWithProgress;
      case 'getextradata':
        return done([...this.notes].map(([key, text]) => `Key: ${key}, Value: ${text}\n`).join(''));
      case 'setextradata':
        if (first === 'global') this.#note(words[0] ?? '', words[1]);
        return done();
      case 'guestproperty':
        return first === 'get' ? recorded('032') : done();
      case 'sharedfolder': {
        const path = value('--hostpath');
        if ((await stat(path).catch(() => undefined)) === undefined) return recorded('206');
        this.vms.find(({ uuid }) => uuid === words[0])?.shares.set(value('--name'), path);
        return done();
      }
      case 'hostonlyif':
        return this.#adapter(first, words[0] ?? '', value);
      case 'dhcpserver':
        return this.#dhcpServer(first, rest, value);
    }
    const vm = this.vms.find(({ uuid, name }) => uuid === first || name === first);
    if (vm === undefined) {
      const missing = recorded('013');
      return { ...missing, stderr: missing.stderr.replace('nosuch', first) };
    }
    return this.#ofMachine(vm, command, words, value);
  }

  async #ofMachine(
    vm: Vm,
    command: string,
    words: readonly string[],
    value: (name: string) => string,
  ): Promise<Answer> {
    const isUp = vm.state === 'running' || vm.state === 'paused';
    switch (command) {
      case 'showvminfo':
        return done(showVmInfo(vm));
      case 'modifyvm':
        if (isUp) return lockedAgainstChange(vm.name);
        if (words.includes('--natpf1')) forward(vm, words.slice(1));
        if (words.includes('--macaddress2')) vm.mac2 = value('--macaddress2');
        if (words.includes('--hostonlyadapter2')) vm.hostOnly = value('--hostonlyadapter2');
        return done();
      case 'storagectl':
        vm.controller = value('--name');
        return done();
      case 'storageattach':
        if ((await stat(value('--medium')).catch(() => undefined)) === undefined) return recorded('202');
        vm.media.set(value('--port'), value('--medium'));
        if (!this.media.has(value('--medium'))) this.media.set(value('--medium'), 1);
        return done();
      case 'unregistervm':
        if (isUp) return recorded('093');
        this.vms.splice(this.vms.indexOf(vm), 1);
        for (const path of vm.media.values()) this.media.delete(path);
        if (vm.folder !== '') await rm(vm.folder, { recursive: true, force: true });
        return doneWithProgress;
      case 'startvm':
        if (isUp) return alreadyRunning(vm.name);
        vm.state = 'running';
        for (const rule of vm.forwards.values()) await answerSsh(vm, rule);
        this.#serve(vm);
        return recorded('088');
      case 'discardstate':
        vm.state = 'poweroff';
        return done();
      case 'controlvm':
        if (!isUp) return recorded('083');
        if (words[0] === 'poweroff' || words[0] === 'acpipowerbutton') end(vm);
        if (words[0] === 'resume') vm.state = 'running';
        if (words[0] === 'natpf1') forward(vm, words.slice(1));
        return done();
      default:
        return done();
    }
  }

  #list(rest: readonly string[]): Answer {
    switch (rest.at(-1)) {
      case 'hostinfo': {
        const { stdout } = recorded('003');
        return done(stdout.replace('HW virtualization: no', 'HW virtualization: yes'));
      }
      case 'vms':
        return rest.includes('--long') ? longList(this.vms) : done(this.vms.map(compact).join(''));
      case 'hostonlyifs':
        return done([...this.adapters].map(([name, { ip, mask }]) => shownAdapter(name, ip, mask)).join(''));
      case 'dhcpservers':
        return done([...this.dhcp].map(([name, server]) => shownServer(name, server)).join(''));
      case 'hdds':
      case 'dvds': {
        const isIso = (path: string) => path.endsWith('.iso');
        const paths = [...this.media.keys()].filter((path) => isIso(path) === (rest.at(-1) === 'dvds'));
        // Its own number is the medium's path here, so that it can be closed by it.
        return done(paths.map((path) => `UUID:           ${path}\nLocation:       ${path}\n\n`).join(''));
      }
      case 'bridgedifs':
        return recorded('011');
      default:
        return recorded('009');
    }
  }

  #note(key: string, text: string | undefined): void {
    if (text === undefined) this.notes.delete(key);
    else this.notes.set(key, text);
  }

  #adapter(verb: string, name: string, value: (name: string) => string): Answer {
    if (verb === 'create') {
      let number = 0;
      while (this.adapters.has(`vboxnet${number}`)) number += 1;
      this.adapters.set(`vboxnet${number}`, { ip: '192.168.56.1', mask: '255.255.255.0' });
      const created = recorded('073');
      return { ...created, stdout: created.stdout.replace('vboxnet0', `vboxnet${number}`) };
    }
    if (!this.adapters.has(name)) return recorded('042');
    if (verb === 'ipconfig') this.adapters.set(name, { ip: value('--ip'), mask: value('--netmask') });
    if (verb === 'remove') this.adapters.delete(name);
    return done();
  }

  #dhcpServer(verb: string, rest: readonly string[], value: (name: string) => string): Answer {
    const network = value('--netname');
    const server = this.dhcp.get(network);
    if (verb === 'findlease') {
      const lease = this.leases.get(`${network} ${value('--mac-address')}`);
      return lease === undefined ? recorded('050') : done(`IP Address:  ${lease}\n`);
    }
    if (verb === 'add' && server !== undefined) return recorded('046');
    if (verb === 'remove') this.dhcp.delete(network);
    if (verb === 'restart') {
      // As VBoxManage 7.2 says it.
      if (server?.serving === undefined)
        return {
          exitCode: 1,
          stdout: '',
          stderr: 'VBoxManage: error: Failed to restart the server: not running\n',
        };
      server.serving = server.enabled ? `${server.lower}-${server.upper}` : undefined;
    }
    if (verb === 'add' || verb === 'modify')
      this.dhcp.set(network, {
        ...{ ip: value('--ip'), mask: value('--netmask') },
        ...{ lower: value('--lowerip'), upper: value('--upperip') },
        enabled: rest.includes('--enable'),
        serving: server?.serving,
      });
    return done();
  }

  /** The server's process begins with the first machine of its network. */
  #serve(vm: Vm): void {
    const network = `HostInterfaceNetworking-${vm.hostOnly}`;
    const server = this.dhcp.get(network);
    if (server?.enabled === true) server.serving ??= `${server.lower}-${server.upper}`;
    const [, net = '', first = ''] = /^(.*\.)(\d+)-/.exec(server?.serving ?? '') ?? [];
    if (net !== '') this.leases.set(`${network} ${vm.mac2}`, `${net}${Number(first) + this.leases.size}`);
  }
}

/** In the locale C only ASCII is translated: other arguments are refused, and output ends there. */
function inLocale(args: readonly string[], env: RunOptions['env'], answer: Answer): Answer {
  if (/UTF-8$/.test(env?.['LC_ALL'] ?? '')) return answer;
  if (args.some((arg) => /[^\u0000-\u007f]/.test(arg)))
    return { exitCode: 1, stdout: '', stderr: 'VBoxManage: error: VERR_NO_TRANSLATION\n' };
  return { ...answer, stdout: /^[\u0000-\u007f]*/.exec(answer.stdout)?.[0] ?? '' };
}

function forward(vm: Vm, [rule = '', name = '']: readonly string[]): void {
  if (rule === 'delete') vm.forwards.delete(name);
  else vm.forwards.set(rule.split(',')[0] ?? '', rule);
}

function answerSsh(vm: Vm, rule: string): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('SSH-2.0-stand-in\r\n');
  });
  vm.servers.push(server);
  return new Promise((resolve) => server.listen(Number(rule.split(',')[3]), '127.0.0.1', () => resolve()));
}

function end(vm: Vm): void {
  vm.state = 'poweroff';
  for (const server of vm.servers.splice(0)) server.close();
}

const compact = ({ name, uuid, accessible }: Vm) => `"${accessible ? name : '<inaccessible>'}" {${uuid}}\n`;

function showVmInfo({
  name,
  uuid,
  state,
  controller,
  media,
  forwards,
  shares,
  mac2,
  hostOnly,
  accessible,
}: Vm): string {
  if (!accessible) return `name="<inaccessible>"\nUUID="${uuid}"\n`;
  return [
    `name="${name}"`,
    `UUID="${uuid}"`,
    `VMState="${state}"`,
    ...(controller === '' ? [] : [`storagecontrollername0="${controller}"`]),
    ...[...media].map(([port, path]) => `"${controller}-${port}-0"="${path}"`),
    ...[...forwards.values()].map((rule, index) => `Forwarding(${index})="${rule}"`),
    ...[...shares].flatMap(([name, path], index) => [
      `SharedFolderNameMachineMapping${index + 1}="${name}"`,
      `SharedFolderPathMachineMapping${index + 1}="${path}"`,
    ]),
    ...(hostOnly === '' ? [] : [`hostonlyadapter2="${hostOnly}"`, `macaddress2="${mac2}"`]),
    '',
  ].join('\n');
}

/** One that is inaccessible prints an error, as of a call that failed (VBoxManageInfo.cpp). */
function longList(vms: readonly Vm[]): Answer {
  const lines = vms.map(({ name, uuid, hostOnly, accessible }) =>
    accessible
      ? `Name:                        ${name}\nUUID:                        ${uuid}\n${
          hostOnly === ''
            ? ''
            : `NIC 2:                       MAC: 080027B537A5, Attachment: Host-only Interface '${hostOnly}', Cable connected: on\n`
        }NIC 8:                       disabled\n\n`
      : `Name:            <inaccessible!>\nUUID:            ${uuid}\nConfig file:     /unplugged/m.vbox\nAccess error details:\n\n`,
  );
  const stderr = vms.some(({ accessible }) => !accessible)
    ? "VBoxManage: error: Runtime error opening '/unplugged/m.vbox' for reading: -102 (File not found.).\n"
    : '';
  return { exitCode: 0, stdout: lines.join(''), stderr };
}

const shownAdapter = (name: string, ip: string, mask: string) =>
  `Name:            ${name}\nDHCP:            Disabled\nIPAddress:       ${ip}\nNetworkMask:     ${mask}\n` +
  `Status:          Up\nVBoxNetworkName: HostInterfaceNetworking-${name}\n\n`;

const shownServer = (name: string, { ip, lower, upper, mask, enabled }: DhcpServer) =>
  `NetworkName:    ${name}\nDhcpd IP:       ${ip}\nLowerIPAddress: ${lower}\nUpperIPAddress: ${upper}\n` +
  `NetworkMask:    ${mask}\nEnabled:        ${enabled ? 'Yes' : 'No'}\nGlobal Configuration:\n\n`;
