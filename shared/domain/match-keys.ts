import { parseIpv4, parseIpv6 } from './lists/addresses.ts';
import { hasAnyKey } from './lists/key-search.ts';
import { appendEntry, family, KeyStore, type Keys } from './lists/keys.ts';
import type { MatchClient } from './match.ts';

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const mappedBits = 96;

/** Appends the keys of the networks around an address, from a prefix length on up to the address itself. */
const appendNetworks = (store: KeyStore, address: readonly number[], from: number): void => {
  const bits = address.length * 8;
  for (let prefix = from; prefix <= bits; prefix++) {
    store.reserve();
    const { bytes, used } = store;
    bytes[used] = bits === 32 ? family.ipv4 : family.ipv6;
    for (let index = 0; index < address.length; index++) {
      const kept = Math.min(8, Math.max(0, prefix - index * 8));
      bytes[used + 1 + index] = (address[index] as number) & (0xff00 >> kept);
    }
    bytes[used + 1 + address.length] = prefix;
    store.take(address.length + 2);
  }
};

const appendNames = (store: KeyStore, name: string): void => {
  const add = (value: string) => appendEntry(store, { kind: 'domain', value });
  add(name);
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    add(name.slice(dot));
    add(name.slice(dot + 1));
  }
};

/**
 * Keys of every value that could accept a client: those of `candidatesOf`, made without text, for who asks at every connection. Names of one label
 * are among them, which no list has.
 */
export const candidateKeys = ({ address, name }: MatchClient): Keys => {
  const store = new KeyStore(144, 2700);
  const ipv4 = parseIpv4(address);
  if (ipv4 !== null) {
    const octets = [ipv4 >>> 24, ipv4 >>> 16, ipv4 >>> 8, ipv4].map((part) => part & 255);
    appendNetworks(store, octets, 0);
    appendNetworks(store, [...mappedPrefix, ...octets], mappedBits);
  } else {
    const groups = parseIpv6(address) ?? [];
    appendNetworks(
      store,
      groups.flatMap((group) => [group >> 8, group & 255]),
      0,
    );
  }
  if (name !== null) appendNames(store, name);
  return store;
};

/** True where a list's enabled entries, as sorted keys, accept a client. */
export const isListed = (keys: Keys, client: MatchClient): boolean => hasAnyKey(keys, candidateKeys(client));
