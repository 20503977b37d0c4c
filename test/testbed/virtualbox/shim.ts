/**
 * VBoxManage, as the tested program finds it: asks the
 * testbed, whose socket is SOCKET, and does what it is told.
 */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { constants } from 'node:os';

/** Either the whole answer, or the command that gives it. */
export interface Reply {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly run?: readonly string[];
}

declare const SOCKET: string;

const socket = connect(SOCKET);
let text = '';
socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
socket.on('error', (error) => end(1, `The testbed is closed: ${error.message}\n`));
socket.on('end', () => obey(JSON.parse(text)));
socket.end(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }));

function obey({ run, exitCode = 1, stdout = '', stderr = '' }: Reply): void {
  process.stdout.write(stdout, () => {
    if (run === undefined) return end(exitCode, stderr);
    const child = spawn(run[0] ?? '', run.slice(1), { stdio: 'inherit' });
    child.on('error', (error) => end(1, `${error.message}\n`));
    child.on('close', (code, signal) => end(code ?? 128 + constants.signals[signal ?? 'SIGKILL'], ''));
  });
}

function end(exitCode: number, stderr: string): void {
  process.stderr.write(stderr, () => process.exit(exitCode));
}
