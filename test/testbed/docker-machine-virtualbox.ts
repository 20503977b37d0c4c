/**
 * What docker-machine 0.16.2 writes for a machine of its
 * virtualbox driver, behind the keys that all drivers have.
 */
export const DOCKER_MACHINE_VIRTUALBOX = {
  VBoxManager: {},
  HostInterfaces: {},
  CPU: 1,
  Memory: 1024,
  DiskSize: 20000,
  NatNicType: '82540EM',
  Boot2DockerURL: '',
  Boot2DockerImportVM: '',
  HostDNSResolver: false,
  HostOnlyCIDR: '192.168.99.1/24',
  HostOnlyNicType: '82540EM',
  HostOnlyPromiscMode: 'deny',
  UIType: 'headless',
  HostOnlyNoDHCP: false,
  NoShare: false,
  DNSProxy: true,
  NoVTXCheck: false,
  ShareFolder: '',
};
