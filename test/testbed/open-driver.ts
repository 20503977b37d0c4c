import type { BaseConfig, DriverContext } from '../../src/sdk/context.ts';
import {
  completeStatus,
  type Driver,
  type HostDriver,
  type HostStatus,
  type MachineState,
  type Power,
  type SshLogin,
  traitOf,
} from '../../src/sdk/driver.ts';

/** A loaded driver of hosts that can be switched, with a function for each part of a status. */
export interface OpenDriver<C extends BaseConfig> extends HostDriver<C>, Required<Power<C>> {
  state(context: DriverContext<C>): Promise<MachineState>;
  address(context: DriverContext<C>): Promise<string>;
  engineUrl(context: DriverContext<C>): Promise<string>;
  login(context: DriverContext<C>): Promise<SshLogin>;
}

export async function openDriver<C extends BaseConfig>(driver: Driver<C>): Promise<OpenDriver<C>> {
  const host = await driver.load();
  const { power } = host;
  if (power === undefined) throw new Error(`the driver ${driver.name} switches no hosts`);
  const look = async (context: DriverContext<C>): Promise<Required<HostStatus>> => {
    const port = traitOf(driver.traits.enginePort ?? 2376, context.config);
    return completeStatus(await host.status(context), context.config, port);
  };
  const restart = async (context: DriverContext<C>) => {
    await power.stop(context);
    await power.start(context);
  };
  return {
    ...host,
    ...power,
    restart: power.restart ?? restart,
    state: async (context) => (await look(context)).state,
    address: async (context) => (await look(context)).address,
    engineUrl: async (context) => (await look(context)).engineUrl,
    login: async (context) => loginOf(driver, context, await look(context)),
  };
}

/** How the core logs in: as the trait tells, or as the status does. */
function loginOf<C extends BaseConfig>(
  { traits }: Driver<C>,
  { config, machine }: DriverContext<C>,
  { login }: Required<HostStatus>,
): SshLogin {
  return typeof traits.ssh === 'function' ? traits.ssh(config, machine) : login;
}
