import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Namespaces } from './namespaces.ts';

export interface DhcpServer {
  /** Such as HostInterfaceNetworking-vboxnet0. */
  readonly network: string;
  readonly lower: string;
  readonly upper: string;
  readonly mask: string;
  readonly enabled: boolean;
}

/** `list dhcpservers`: paragraphs of `Key: value`. */
export function parseDhcpServers(text: string): readonly DhcpServer[] {
  return text.split(/^(?=NetworkName:)/m).flatMap((paragraph) => {
    const value = (key: string) => new RegExp(`^${key}:\\s*(\\S+)`, 'm').exec(paragraph)?.[1] ?? '';
    const network = value('NetworkName');
    if (network === '') return [];
    return [
      {
        network,
        lower: value('LowerIPAddress'),
        upper: value('UpperIPAddress'),
        mask: value('NetworkMask'),
        enabled: value('Enabled') === 'Yes',
      },
    ];
  });
}

/**
 * VirtualBox's own DHCP server needs its kernel module; dnsmasq does its work, and its
 * leases are written down as VirtualBox's, so that `dhcpserver findlease` finds them.
 */
export class DhcpService {
  readonly #namespaces: Namespaces;
  readonly #folder: string;
  readonly #userHome: string;
  readonly #running = new Map<string, { readonly key: string; readonly child: ChildProcess }>();

  constructor(namespaces: Namespaces, folder: string, userHome: string) {
    this.#namespaces = namespaces;
    this.#folder = folder;
    this.#userHome = userHome;
  }

  /**
   * Serves an adapter as the server says. One that is off or
   * makes no sense does not serve; that fails nobody's start.
   */
  async serve(adapter: string, server: DhcpServer | undefined): Promise<void> {
    const key = JSON.stringify(server);
    const old = this.#running.get(adapter);
    if (old?.key === key) return;
    old?.child.kill('SIGKILL');
    this.#running.delete(adapter);
    if (server?.enabled !== true || server.lower === '0.0.0.0') return;
    const { inner } = this.#namespaces;
    // dnsmasq is a child of nsenter, in another pid namespace: it is to die with it.
    const argv = [...inner.slice(1), 'setpriv', '--pdeathsig', 'KILL', 'dnsmasq', '--keep-in-foreground'];
    const settings = [
      ...['--conf-file=/dev/null', '--port=0', '--bind-interfaces', `--interface=${adapter}`],
      ...['--user=root', '--group=root', '--pid-file=', '--no-ping', '--dhcp-authoritative'],
      ...[`--dhcp-range=${server.lower},${server.upper},${server.mask},10m`, '--dhcp-option=3'],
      ...['--dhcp-option=6', `--dhcp-leasefile=${this.#leases(adapter)}`, '--log-facility=-'],
    ];
    const child = spawn(inner[0], [...argv, ...settings], { stdio: 'ignore' });
    this.#running.set(adapter, { key, child });
  }

  /**
   * dnsmasq: `expiry mac address name id` a line.
   * VirtualBox: src/VBox/NetworkServices/Dhcpd/Db.cpp.
   */
  async publishLeases(): Promise<void> {
    for (const adapter of this.#running.keys()) {
      const text = await readFile(this.#leases(adapter), 'utf8').catch(() => '');
      const leases = text.split('\n').flatMap((line) => {
        const [expiry = '', mac = '', address = ''] = line.split(' ');
        if (!/^(?:[\da-f]{2}:){5}[\da-f]{2}$/.test(mac)) return [];
        const issued = Number(expiry) - 600;
        return [
          `  <Lease mac="${mac}" network="0.0.0.0" state="acked">`,
          `    <Address value="${address}"/>\n    <Time issued="${issued}" expiration="600"/>\n  </Lease>`,
        ];
      });
      const file = join(this.#userHome, `HostInterfaceNetworking-${adapter}-Dhcpd.leases`);
      await writeFile(
        file,
        `<?xml version="1.0"?>\n<Leases version="1.0">\n${leases.join('\n')}\n</Leases>\n`,
      );
    }
  }

  #leases(adapter: string): string {
    return join(this.#folder, `${adapter}.leases`);
  }
}
