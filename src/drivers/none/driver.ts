import type { BaseConfig } from '../../sdk/context.ts';
import { DRIVER_API, type Driver, type HostDriver } from '../../sdk/driver.ts';
import { driverError } from '../../sdk/errors.ts';

export interface NoneConfig extends BaseConfig {
  URL: string;
}

/** The host of a URL, without port and brackets. docker-machine kept the port in IPAddress. */
function hostOf(url: string): string {
  const found = /^[a-z][a-z0-9+.-]*:\/\/(\[[^\]]+\]|[^:/]*)/i.exec(url);
  return (found?.[1] ?? '').replace(/^\[|\]$/g, '');
}

const cannot = (what: string) => async () => {
  throw driverError('MM_DRIVER_UNSUPPORTED', {
    message: `hosts without a driver cannot be ${what}`,
    hint: 'This machine is only a URL: do it where the host itself is managed.',
  });
};

const host: HostDriver<NoneConfig> = {
  precheck: async () => [],
  create: async () => undefined,
  // A record may have been written by hand, without a URL.
  status: async ({ config: { URL: url = '' } }) => ({
    state: 'Running',
    address: hostOf(url),
    engineUrl: url,
  }),
  power: {
    start: cannot('started'),
    stop: cannot('stopped'),
    kill: cannot('killed'),
    restart: cannot('restarted'),
  },
  remove: async () => undefined,
};

/** A machine that is only a URL: an engine that somebody else looks after. */
export const noneDriver: Driver<NoneConfig> = {
  api: DRIVER_API,
  name: 'none',
  summary: 'an engine that is there already, known by its URL alone',
  flags: [{ name: 'url', kind: 'string', required: true, help: 'URL of host when no driver is selected' }],
  traits: { ssh: false, provision: false, adopted: true, hostKey: 'first-use' },
  availability: async () => ({ works: true, score: 0, how: 'needs a URL' }),
  configure(flags, base) {
    const url = flags.text('url');
    if (url === '') {
      throw driverError('MM_DRIVER_FLAGS', {
        message: '--url option is required when no driver is selected',
        hint: 'Such as "mymachine create --driver none --url tcp://192.0.2.10:2376 NAME".',
      });
    }
    if (!/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(url) || /[\u0000-\u001f\u007f]/.test(url))
      throw flags.wrong('url', 'Write it as tcp://ADDRESS:PORT, such as tcp://192.0.2.10:2376.');
    // Nobody logs in to it.
    return { ...base, IPAddress: hostOf(url), SSHUser: '', SSHPort: 0, URL: url };
  },
  check: (record) => void record.line('URL'),
  load: async () => host,
};
