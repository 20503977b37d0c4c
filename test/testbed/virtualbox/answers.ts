/** What a call of VBoxManage came to. */
export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** VBoxManage's way of telling an error: one line, the COM error, and the call. */
interface Failure {
  readonly message: string;
  readonly details?: string;
  readonly context?: string;
}

const INVALID_STATE =
  'code VBOX_E_INVALID_OBJECT_STATE (0x80bb0007), component MachineWrap, interface IMachine, callee nsISupports';
const PROGRESS = '0%...10%...20%...30%...40%...50%...60%...70%...80%...90%...100%\n';

export const done = (stdout = ''): Answer => ({ exitCode: 0, stdout, stderr: '' });
export const doneWithProgress: Answer = { exitCode: 0, stdout: '', stderr: PROGRESS };

function failed({ message, details, context }: Failure, stdout = ''): Answer {
  const lines = [
    message,
    ...(details === undefined ? [] : [`Details: ${details}`]),
    ...(context === undefined ? [] : [`Context: ${context}`]),
  ];
  return { exitCode: 1, stdout, stderr: lines.map((line) => `VBoxManage: error: ${line}\n`).join('') };
}

const waiting = (name: string) => `Waiting for VM "${name}" to power on...\n`;

export const started = (name: string): Answer =>
  done(`${waiting(name)}VM "${name}" has been successfully started.\n`);

/** startvm where the kernel's module is not loaded. */
export const endedUnexpectedly = (name: string): Answer =>
  failed(
    {
      message: `The virtual machine '${name}' has terminated unexpectedly during startup with exit code 1 (0x1)`,
      details: 'code NS_ERROR_FAILURE (0x80004005), component MachineWrap, interface IMachine',
    },
    waiting(name),
  );

/** startvm whose virtual machine is not to be had: VirtualBox's console says why. */
export const notPoweredUp = (name: string, message: string): Answer =>
  failed(
    { message, details: 'code NS_ERROR_FAILURE (0x80004005), component ConsoleWrap, interface IConsole' },
    waiting(name),
  );

export const mediumMissing = (name: string, path: string): Answer =>
  failed(
    {
      message: `Could not open the medium '${path}'.\nVBoxManage: error: VD: error VERR_FILE_NOT_FOUND opening image file '${path}' (VERR_FILE_NOT_FOUND)`,
      details: 'code VBOX_E_FILE_ERROR (0x80bb0004), component MediumWrap, interface IMedium',
    },
    waiting(name),
  );

export const alreadyRunning = (name: string): Answer =>
  failed({
    message: `The machine '${name}' is already locked by a session (or being locked or unlocked)`,
    details: INVALID_STATE,
    context:
      '"LaunchVMProcess(a->session, sessionType.raw(), ComSafeArrayAsInParam(aBstrEnv), progress.asOutParam())" at line 920 of file VBoxManageMisc.cpp',
  });

export const lockedAgainstChange = (name: string): Answer =>
  failed({
    message: `The machine '${name}' is already locked for a session (or being unlocked)`,
    details: INVALID_STATE,
    context: '"LockMachine(a->session, LockType_Write)" at line 901 of file VBoxManageModifyVM.cpp',
  });

export const lockedAgainstRemoval = (name: string): Answer =>
  failed({
    message: `Cannot unregister the machine '${name}' while it is locked`,
    details: INVALID_STATE,
    context:
      '"Unregister(fDeleteAll ? CleanupMode_DetachAllReturnHardDisksAndVMRemovable :CleanupMode_DetachAllReturnHardDisksOnly, ComSafeArrayAsOutParam(aMedia))" at line 232 of file VBoxManageMisc.cpp',
  });

/** Any call on a machine whose process is ending at this moment. */
export const dying = (): Answer =>
  failed({
    message: 'Code NS_ERROR_ABORT (0x80004004) - Operation aborted (extended info not available)',
    context: '"GetState(&machineState)" at line 2540 of file VBoxManageInfo.cpp',
  });

/** A virtual machine that is paused cannot be paused, one that runs cannot be resumed. */
export const wrongState = (message: string): Answer =>
  failed({
    message,
    details:
      'code VBOX_E_INVALID_VM_STATE (0x80bb0002), component ConsoleWrap, interface IConsole, callee nsISupports',
  });

/** So that no test takes it for done. */
export const notSupported = (what: string): Answer =>
  failed({ message: `The testbed does not stand for ${what}` });

/** What Debian's wrapper says before anything else when /dev/vboxdrv is missing. */
export const WRAPPER_WARNING = `WARNING: The character device /dev/vboxdrv does not exist.
	 Please install the virtualbox-dkms package and the appropriate
	 headers, most likely linux-headers-amd64.

	 You will not be able to start VMs until this problem is fixed.
`;
