/**
 * A process of its own that leases one address: `node
 * lease-process.js STORE MACHINE-ID`. Prints the address.
 */
import { leaseAddress } from '../../src/drivers/nspawn/network/leases.ts';
import { testLocks } from './driver-context.ts';
import { testPorts } from './ports.ts';

const [, , storeDir = '', machineId = ''] = process.argv;
const context = { ...testPorts(), storeDir, withLock: testLocks(storeDir, storeDir) };
const lease = await leaseAddress(context, machineId, '');
process.stdout.write(`${lease.address}\n`);
