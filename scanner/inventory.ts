import type { NetworkInterfaceInfo } from 'node:os';
import { canonicalIpv4, canonicalIpv6 } from '../shared/domain/lists/addresses.ts';
import type { InventoryReported } from '../shared/messages/shadow.ts';

/** As `os.networkInterfaces()` answers them. */
export type HostInterfaces = Record<string, NetworkInterfaceInfo[] | undefined>;

type Interface = InventoryReported['interfaces'][number];

/** Room in the shadow's 8 KB for the interfaces (AWS IoT Core quotas), beside the software and the JSON around it. */
const mostBytes = 7000;

/**
 * Ethernet is what the kernel and systemd name so (`eth0`, `eno1`, `ens3`, `enp0s1`, `enx…`, `em1`), or Windows. All else is virtual: loopback,
 * bridges, tunnels, and what sits on another interface, as aliases (`eth0:1`) and VLANs (`eth0.5`) do.
 */
export const interfaceType = (name: string): Interface['type'] =>
  /^(eth\d+|en[osxp][0-9a-z]+|en\d+|em\d+|Ethernet.*)$/.test(name) ? 'ethernet' : 'virtual';

const isLinkLocal = (address: string): boolean => /^fe[89ab]/.test(address);

const addresses = (infos: NetworkInterfaceInfo[], family: 'IPv4' | 'IPv6'): string[] =>
  infos
    .filter((info) => info.family === family)
    .map((info) => (family === 'IPv4' ? canonicalIpv4 : canonicalIpv6)(info.address))
    .filter((address): address is string => address !== null && !isLinkLocal(address))
    .sort();

const order = (one: Interface, other: Interface): number => {
  if (one.type !== other.type) return one.type === 'ethernet' ? -1 : 1;
  return one.name < other.name ? -1 : 1;
};

/** As many as fit in the shadow; Ethernet interfaces are first in the order. */
const fitting = (interfaces: Interface[]): Interface[] => {
  let bytes = 0;
  return interfaces.filter((one) => {
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1;
    return bytes <= mostBytes;
  });
};

/**
 * What a Scanner reports of its host: interfaces with an address that a listener can have. IPv6 link-local addresses are none
 * (they need a zone), and an interface without an address is left out.
 */
export const inventoryOf = (
  host: HostInterfaces,
  software: InventoryReported['software'],
): InventoryReported => {
  const interfaces = Object.entries(host)
    .map(([name, infos = []]) => ({
      name,
      type: interfaceType(name),
      ipv4: addresses(infos, 'IPv4'),
      ipv6: addresses(infos, 'IPv6'),
    }))
    .filter(({ ipv4, ipv6 }) => ipv4.length + ipv6.length > 0)
    .sort(order);
  return { interfaces: fitting(interfaces), software };
};
