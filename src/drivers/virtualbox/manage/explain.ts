import { printable } from '../../../base/printable.ts';
import { virtualboxError, type virtualboxErrors } from '../errors.ts';
import { networkOf } from '../network/cidr.ts';
import { errorLines } from './output.ts';

interface Known {
  readonly pattern: RegExp;
  readonly code: keyof typeof virtualboxErrors;
  readonly hint: (args: readonly string[], stderr: string) => string;
}

const sayAll = 'See all that VBoxManage said with "mymachine --debug …".';
const tryAgain = 'Close its window or end what works on it in VirtualBox, then try again.';

/** What VBoxManage says when it fails, the narrower before the wider. */
const KNOWN: readonly Known[] = [
  {
    pattern: /Could not find a registered machine/,
    code: 'MM_VBOX_GONE',
    hint: () =>
      'It was removed outside of mymachine, or belongs to another user: mymachine rm deletes what is left of it.',
  },
  {
    pattern: /(?:already locked|while it is locked|VBOX_E_INVALID_OBJECT_STATE)/,
    code: 'MM_VBOX_LOCKED',
    hint: () => tryAgain,
  },
  {
    pattern: /VERR_NEM_|WHvCapability|WHv[A-Z]\w+ ?(?:failed|is not)/,
    code: 'MM_VBOX_HYPERV',
    hint: () => howToUseHyperV,
  },
  {
    pattern: /VERR_SVM_HOST_SVME_NOT_ENABLED|VERR_VMX_HOST_\w*NOT_ENABLED/,
    code: 'MM_VBOX_VTX',
    hint: (_, stderr) => howToLendFromKvm(/VERR_SVM/.test(stderr) ? 'kvm_amd' : 'kvm_intel'),
  },
  {
    pattern: /VERR_VMX_IN_VMX_ROOT_MODE|VERR_SVM_IN_USE/,
    code: 'MM_VBOX_VTX',
    hint: (_, stderr) => howToTakeFromKvm(/VERR_SVM/.test(stderr) ? 'kvm_amd' : 'kvm_intel'),
  },
  {
    pattern: /VERR_(?:VMX|SVM)_|(?:VT-x|AMD-V) is (?:not available|disabled|being used)/,
    code: 'MM_VBOX_VTX',
    hint: () =>
      'Switch virtualisation (VT-x, AMD-V, SVM) on in the firmware, and end other hypervisors such as KVM guests.',
  },
  {
    pattern: /vboxnetctl|vboxdrv|VERR_SUP_DRIVERLESS|VERR_VM_DRIVER|Kernel driver not|suplibOsInit|\(-1908\)/,
    code: 'MM_VBOX_KERNEL',
    hint: () => howToLoadModule(),
  },
  {
    pattern: /terminated unexpectedly during startup/,
    code: 'MM_VBOX_START',
    hint: () => `Often its kernel module is not loaded. ${howToLoadModule()}`,
  },
  {
    pattern: /E_ACCESSDENIED[\s\S]*EnableStaticIPConfig/,
    code: 'MM_VBOX_NETWORK_DENIED',
    hint: (args) => {
      const network = networkOf(after(args, '--ip'), after(args, '--netmask')) ?? '192.168.99.0/24';
      return `Allow it by the line "* ${network}" in ${NETWORKS_CONF}.`;
    },
  },
  {
    pattern: /Failed to create the VirtualBox object/,
    code: 'MM_VBOX_FAILED',
    hint: () =>
      'Its server VBoxSVC does not start: end all of its processes when no machine runs, then try again.',
  },
  {
    pattern: /-Dhcpd\.leases|lease.*not found/i,
    code: 'MM_VBOX_NO_LEASE',
    hint: () => 'Its DHCP server may not run, or the guest has not asked: restart the machine.',
  },
  {
    pattern: /shared folder/i,
    code: 'MM_VBOX_SHARE',
    hint: () => 'Give a folder of this computer that is there, and a name that is not taken (DIR:NAME).',
  },
  {
    pattern: /host network interface|host-only adapter|DHCP server already exists|DHCPServerWrap/i,
    code: 'MM_VBOX_NETWORK',
    hint: () =>
      'See them with VBoxManage list hostonlyifs and list dhcpservers, or do without (--virtualbox-nat-only).',
  },
  {
    pattern: /NAT rule of this name already exists|RemoveRedirect|AddRedirect|natpf/i,
    code: 'MM_VBOX_FORWARD',
    hint: () => 'See its forwards with "VBoxManage showvminfo NAME".',
  },
  {
    pattern: /VERR_NO_(?:LOW_)?MEMORY|E_OUTOFMEMORY|NS_ERROR_OUT_OF_MEMORY/,
    code: 'MM_VBOX_OUT_OF_MEMORY',
    hint: () => 'Stop other machines or programs, or make the machine with less (--virtualbox-memory).',
  },
  {
    pattern: /VERR_DISK_FULL/,
    code: 'MM_VBOX_DISK_FULL',
    hint: () => 'Make room, or put the store elsewhere with --storage-path.',
  },
  {
    pattern: /VERR_(?:FILE|PATH)_NOT_FOUND|Could not find file for the medium/,
    code: 'MM_VBOX_MEDIUM',
    hint: () =>
      'Put the file back where it was; a machine whose disk is lost can only be removed (mymachine rm).',
  },
  {
    pattern: /VERR_VD_|Cannot create the disk image|VERR_ALREADY_EXISTS/,
    code: 'MM_VBOX_DISK',
    hint: () =>
      'Give another image or size (--virtualbox-image, --virtualbox-disk-size), or remove the machine first.',
  },
  {
    pattern: /Machine settings file .* already exists|Registered machine with UUID .* already exists/,
    code: 'MM_VBOX_NAME',
    hint: () => 'Choose another name, or remove that machine in VirtualBox.',
  },
  {
    pattern: /is not currently running/,
    code: 'MM_VBOX_NOT_RUNNING',
    hint: () => 'Start it first with "mymachine start".',
  },
  {
    pattern:
      /Invalid command|Unknown subcommand|Unknown option|Invalid type|Unknown or invalid guest OS type/,
    code: 'MM_VBOX_UNSUPPORTED',
    hint: () => 'VirtualBox 6.1 to 7.2 are known to work: update it.',
  },
  {
    pattern: /E_ACCESSDENIED|VERR_ACCESS_DENIED|VERR_PERMISSION_DENIED/,
    code: 'MM_VBOX_DENIED',
    hint: () =>
      'VirtualBox keeps machines by user: run this as the user that made the machine, and look at who owns its files.',
  },
];

/** The error of a VBoxManage that ended badly, in the user's terms. */
export function explain(args: readonly string[], stderr: string): Error {
  const known = KNOWN.find(({ pattern }) => pattern.test(stderr));
  const [first = '', second] = errorLines(stderr);
  // Of a failed operation the first line says which, and the second why.
  const said = /^Failed to |^Code /.test(first) && second !== undefined ? `${first}: ${second}` : first;
  const line = said || stderr.trim().split('\n').at(-1) || 'it said nothing';
  const verr = /\bVERR_[A-Z0-9_]+/.exec(stderr)?.[0];
  const why = verr === undefined || line.includes(verr) ? line : `${line} (${verr})`;
  return virtualboxError(known?.code ?? 'MM_VBOX_FAILED', {
    message: `VBoxManage ${args.slice(0, 2).join(' ')} failed: ${printable(why, 400)}`,
    hint: known?.hint(args, stderr) ?? sayAll,
  });
}

function after(args: readonly string[], name: string): string {
  return args[args.indexOf(name) + 1] ?? '';
}

/** Networks that host-only adapters may have, from 6.1.28 on (manual, "Host-Only Networking"). */
export const NETWORKS_CONF = '/etc/vbox/networks.conf';

export function howToInstall(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'darwin') return 'Install it with "brew install --cask virtualbox".';
  if (platform === 'win32') return 'Install it with "winget install Oracle.VirtualBox".';
  return 'Install it from your distribution or from virtualbox.org, and put VBoxManage into PATH.';
}

export function howToLoadModule(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'darwin')
    return "Allow Oracle's system extension in System Settings, Privacy & Security, then restart the computer.";
  if (platform === 'win32') return "Run VirtualBox's installer again and choose Repair.";
  return 'Load it with "sudo modprobe vboxdrv". Where there is none, build it with "sudo /sbin/vboxconfig", or on Debian with "apt-get install virtualbox-dkms linux-headers-generic".';
}

/** From Linux 6.12 on KVM takes the processor when its module is loaded. */
export const howToTakeFromKvm = (module: string): string =>
  `KVM has the processor's virtualisation: give it back with "sudo modprobe -r ${module}", or for good by the kernel parameter kvm.enable_virt_at_load=0.`;

/** From 7.2.10 on VirtualBox uses what KVM has switched on. */
export const howToLendFromKvm = (module: string): string =>
  `VirtualBox asks KVM for the processor's virtualisation: set kvm.enable_virt_at_load=1 in place of 0 (kernel parameters, /etc/modprobe.d) and restart, or "sudo modprobe -r ${module}".`;

export const howToUseHyperV =
  'Switch Hyper-V off as an administrator (bcdedit /set hypervisorlaunchtype off) and restart Windows, or use a driver that works beside it.';
