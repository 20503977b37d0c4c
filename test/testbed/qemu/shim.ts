/**
 * QEMU's programs, as the tested program finds them. `qemu-img` is the real one.
 * `qemu-system-x86_64` carries a guest that runs elsewhere: it has QEMU's pid
 * file, QMP socket and forwards, and ends with the guest. Both report their calls.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * TCP port of the monitor that is told of calls, and
 * the socket of the computer that has the guests.
 */
declare const MONITOR: number;
declare const GUESTS: string;

const [, program = '', ...args] = process.argv;
const name = basename(program);

/** Lines to and from a socket; ends the program when the other side does. */
function talk(socket: Socket): (line: string) => Promise<string> {
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: socket }).on('line', (line) => waiting.shift()?.(line));
  socket.on('error', () => process.exit(1)).on('close', () => process.exit(1));
  return (line) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      socket.write(`${line}\n`);
    });
}

function values(option: string): readonly string[] {
  return args.flatMap((arg, index) => (args[index - 1] === option ? [arg] : []));
}

function field(option: string, pattern: RegExp): string {
  return values(option).flatMap((value) => pattern.exec(value)?.[1] ?? [])[0] ?? '';
}

async function carryGuest(): Promise<void> {
  const guests = talk(connect(GUESTS));
  const seed = field('-drive', /id=seed0,file=([^,]*)/);
  const address = await guests(`start ${JSON.stringify({ id: values('-uuid')[0], seed })}`);
  for (const forward of field('-netdev', /^(user,.*)$/).matchAll(
    /hostfwd=tcp:127\.0\.0\.1:(\d+)-[^:]*:(\d+)/g,
  )) {
    const server = createServer((socket) => {
      const inner = connect(Number(forward[2]), address);
      for (const end of [socket, inner]) end.on('error', () => [socket, inner].map((each) => each.destroy()));
      socket.pipe(inner).pipe(socket);
    });
    server.on('error', (error) => {
      process.stderr.write(`Could not set up host forwarding rule: ${error.message}\n`);
      process.exit(1);
    });
    server.listen(Number(forward[1]), '127.0.0.1');
  }
  createServer((socket) => answerQmp(socket, () => guests('powerdown').then(() => process.exit(0)))).listen(
    field('-chardev', /id=qmp0,path=([^,]*)/),
  );
  writeFileSync(values('-pidfile')[0] ?? '', `${process.pid}\n`);
}

/** QEMU machine protocol, as far as the driver asks. */
function answerQmp(socket: Socket, powerDown: () => void): void {
  socket.on('error', () => socket.destroy());
  socket.write('{"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}}, "capabilities": []}}\n');
  createInterface({ input: socket }).on('line', (line) => {
    const { execute, id } = JSON.parse(line);
    const answer = execute === 'query-status' ? { status: 'running', running: true } : {};
    socket.write(`${JSON.stringify({ return: answer, id })}\n`);
    if (execute === 'system_powerdown') powerDown();
  });
}

async function main(): Promise<void> {
  const monitor = talk(connect(MONITOR, '127.0.0.1'));
  await monitor(`before ${name}`);
  if (name === 'qemu-img') {
    const { status } = spawnSync('/usr/bin/qemu-img', args, { stdio: 'inherit' });
    await monitor(`after ${name}`);
    process.exit(status ?? 1);
  }
  await carryGuest();
  await monitor(`after ${name}`);
}

void main();
