import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type HostInterfaces, interfaceType, inventoryOf } from '../../../scanner/inventory.ts';
import { inventoryReported } from '../../../shared/messages/shadow.ts';

const software = { name: 'reference-scanner', version: '1' };

const info = (address: string): NetworkInterfaceInfo => {
  const rest = { address, netmask: '', mac: '', internal: false, cidr: null };
  return address.includes(':') ? { ...rest, family: 'IPv6', scopeid: 0 } : { ...rest, family: 'IPv4' };
};

const host = (interfaces: Record<string, string[]>): HostInterfaces =>
  Object.fromEntries(Object.entries(interfaces).map(([name, list]) => [name, list.map(info)]));

describe('the type of an interface', () => {
  it.each([
    'eth0',
    'eth12',
    'eno1',
    'ens3',
    'enp0s31f6',
    'enx001122334455',
    'em1',
    'en0',
    'Ethernet 2',
  ])('is ethernet for %s', (name) => expect(interfaceType(name)).toBe('ethernet'));

  it.each([
    'lo',
    'eth0:1',
    'eth0.5',
    'br0',
    'docker0',
    'veth12ab',
    'wg0',
    'tun0',
    'bond0',
    'wlan0',
    'end',
  ])('is virtual for %s', (name) => expect(interfaceType(name)).toBe('virtual'));
});

describe('the inventory', () => {
  it('has Ethernet first, addresses in one form, and neither link-local ones nor bare interfaces', () => {
    const interfaces = host({
      lo: ['127.0.0.1', '::1'],
      docker0: ['fe80::1'],
      eth1: ['192.0.2.20', '192.0.2.10', '2001:DB8:0:0::1', 'fe80::2'],
      eth0: ['198.51.100.1'],
      eth2: [],
    });
    expect(inventoryOf(interfaces, software)).toEqual({
      interfaces: [
        { name: 'eth0', type: 'ethernet', ipv4: ['198.51.100.1'], ipv6: [] },
        { name: 'eth1', type: 'ethernet', ipv4: ['192.0.2.10', '192.0.2.20'], ipv6: ['2001:db8::1'] },
        { name: 'lo', type: 'virtual', ipv4: ['127.0.0.1'], ipv6: ['::1'] },
      ],
      software,
    });
  });

  it('of a host with very many interfaces fits in a shadow, and keeps the Ethernet ones', () => {
    const many: Record<string, string[]> = { eth0: ['192.0.2.1'] };
    for (let index = 0; index < 400; index++) many[`veth${index}`] = [`10.0.${index >> 8}.${index & 255}`];
    const inventory = inventoryOf(host(many), software);
    expect(Buffer.byteLength(JSON.stringify(inventory))).toBeLessThan(8000);
    expect(inventory.interfaces.length).toBeGreaterThan(50);
    expect(inventory.interfaces[0]?.name).toBe('eth0');
    expect(inventoryReported.safeParse(inventory).success).toBe(true);
  });

  it('of a host without any address has none', () => {
    expect(inventoryOf({ eth0: undefined }, software)).toEqual({ interfaces: [], software });
  });
});
