import { baseError } from '../../../src/base/errors.ts';
import type { Programs, Report } from '../../../src/base/ports.ts';
import { systemClock } from '../../../src/cli/computer/clock.ts';
import { localPrograms } from '../../../src/cli/computer/programs.ts';
import type { ConnectSettings } from '../../../src/ssh/session/connect.ts';
import { createSshConnector, type SessionConnector } from '../../../src/ssh/session/connector.ts';

/** The programs of this computer, of which those in `missing` seem not to be installed. */
export function programsWithout(...missing: readonly string[]): Programs {
  const programs = localPrograms(process.env);
  return {
    ...programs,
    run: async (argv, options) => {
      if (!missing.includes(argv[0])) return programs.run(argv, options);
      throw baseError('MM_PROGRAM_MISSING', { message: `${argv[0]} is not installed on this computer` });
    },
    find: async (program) => (missing.includes(program) ? undefined : programs.find(program)),
  };
}

/** A connector that uses no agent and no ssh config, but for the changes. */
export function testConnector(homeDir: string, changes: Partial<ConnectSettings> = {}): SessionConnector {
  return createSshConnector({
    ...{ programs: programsWithout(), clock: systemClock, report: recordingReport() },
    ...{ sshAuthSock: '', homeDir, useUserConfig: false },
    ...changes,
  });
}

/** Keeps what the user would have read. */
export function recordingReport(): Report & { readonly infos: string[] } {
  const infos: string[] = [];
  return {
    infos,
    info: (message) => infos.push(message),
    warn: () => undefined,
    debug: () => undefined,
    step: (_title, work) => work(),
    progress: () => undefined,
  };
}
