import type { DriverContext } from '../../../sdk/context.ts';
import type { VirtualBoxConfig } from '../config.ts';
import { manage } from '../manage/manage.ts';
import { parseLease, parseValue } from '../manage/output.ts';
import { type VmInfo, vmOf } from '../manage/vm.ts';

/**
 * The address that a machine got by DHCP, as its server or
 * the Guest Additions say; undefined when neither knows.
 */
export async function leasedAddress(
  context: DriverContext<VirtualBoxConfig>,
  info: VmInfo | undefined,
): Promise<string | undefined> {
  const mac = info?.get('macaddress2');
  const adapter = info?.get('hostonlyadapter2');
  if (mac !== undefined && adapter !== undefined) {
    const netname = `HostInterfaceNetworking-${adapter}`;
    const args = ['dhcpserver', 'findlease', '--netname', netname, '--mac-address', mac];
    const lease = parseLease(await manage(context, args).catch(() => ''));
    if (lease !== undefined) return lease;
  }
  const property = '/VirtualBox/GuestInfo/Net/1/V4/IP';
  const value = parseValue(
    await manage(context, ['guestproperty', 'get', vmOf(context), property]).catch(() => ''),
  );
  return value !== undefined && /^\d{1,3}(?:\.\d{1,3}){3}$/.test(value) ? value : undefined;
}
