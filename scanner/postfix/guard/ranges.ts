import { maskIpv6, parseIpv6 } from '../../../shared/domain/lists/addresses.ts';

/** Of an IPv6 address: a network of so many bits is one address. */
export const addressBits = 128;

/** What is counted as one with an address: an IPv4 address itself, an IPv6 network of so many bits. */
export const rangeOf = (address: string, ipv6Prefix: number): string => {
  const groups = ipv6Prefix === addressBits ? null : parseIpv6(address);
  return groups ? `${maskIpv6(groups, ipv6Prefix).join(':')}/${ipv6Prefix}` : address;
};
