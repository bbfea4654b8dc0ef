import { parseIpv6 } from '../../../shared/domain/lists/addresses.ts';

/** Of an IPv6 address: a network of so many bits is one address. */
export const addressBits = 128;

/** What is counted as one with an address: an IPv4 address itself, an IPv6 network of so many bits. */
export const rangeOf = (address: string, ipv6Prefix: number): string => {
  const groups = ipv6Prefix === addressBits ? null : parseIpv6(address);
  if (!groups) return address;
  const masked = groups.map((group, index) => {
    const kept = Math.min(16, Math.max(0, ipv6Prefix - index * 16));
    return group & (0xffff << (16 - kept)) & 0xffff;
  });
  return `${masked.join(':')}/${ipv6Prefix}`;
};
